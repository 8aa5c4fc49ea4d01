// The diagnostics of fits: curves by epoch.

// One line a data set: the mean over seeds of each curve.
function drawFits(box) {
  const { curves, label } = DATA.detectors[box.dataset.detector];
  const figures = add(box, "div", { class: "figures" });
  for (const [name, byDataset] of Object.entries(curves)) {
    const lines = Object.entries(byDataset).filter(([, points]) => points.length > 1);
    if (lines.length) drawFit(figures, label, name, lines);
  }
}

function drawFit(parent, label, name, lines) {
  const figure = add(parent, "figure"), width = room(figure, 640), height = 380, side = 136;
  const all = lines.flatMap(([, points]) => points);
  const values = all.map(([, value]) => value), log = values.every((value) => value > 0);
  const x = scale(1, Math.max(...all.map(([epoch]) => epoch)), 52, width - side);
  const y = scale(Math.min(...values), Math.max(...values), height - 42, 26, log);
  const svg = chart(figure, { width, height, x, y, xName: "epoch", yName: name,
    title: `${name} of ${label} by epoch`, yPrint: number });
  const ends = spread(lines.map(([, points]) => y(points.at(-1)[1])), 12, 20, y(y.low));
  lines.forEach(([dataset, points], i) => {
    const line = add(svg, "path", { class: "line deep", "stroke-width": 1.5,
      d: path(points.map(([epoch, value]) => [x(epoch), y(value)])) });
    tip(line, `${dataset}: ${number(points[0][1])} to ${number(points.at(-1)[1])}`);
    const [epoch, value] = points.at(-1);
    add(svg, "line", { class: "grid", x1: x(epoch) + 2, y1: y(value), x2: width - side + 6, y2: ends[i] });
    add(svg, "text", { x: width - side + 8, y: ends[i] + 4 }, cut(dataset, side - 8));
  });
  add(figure, "figcaption", {}, `${name} by epoch: mean over seeds, one line a data set.`);
}
