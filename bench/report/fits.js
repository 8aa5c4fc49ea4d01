// The diagnostics of fits: a small curve by epoch for each data set.

function drawFits(box) {
  const detector = DATA.detectors[box.dataset.detector];
  for (const [name, byDataset] of Object.entries(detector.curves)) {
    const lines = Object.entries(byDataset).filter(([, points]) => points.length > 1);
    if (!lines.length) continue;
    const figure = add(box, "figure"), panels = add(figure, "div", { class: "sparks" });
    for (const [dataset, points] of lines) drawFit(panels, detector, name, dataset, points);
    add(figure, "figcaption", {}, `${name} by epoch: mean over seeds. Each data set has a scale of `
      + "its own, from its lowest to its highest value, between the values of the first and the last epoch.");
  }
}

function drawFit(parent, { label, type }, name, dataset, points) {
  const width = 250, height = 64, left = 48, right = width - 48;
  const values = points.map(([, value]) => value), [last, end] = points.at(-1);
  const x = scale(points[0][0], last, left, right);
  const y = scale(Math.min(...values), Math.max(...values), height - 8, 26, values.every((v) => v > 0));
  const svg = canvas(parent, width, height, `${name} of ${label} on ${dataset} by epoch`);
  add(svg, "text", { class: "title", x: 0, y: 12 }, cut(dataset, 150));
  add(svg, "text", { x: width, y: 12, "text-anchor": "end" }, `${last} epochs`);
  add(svg, "path", { class: "line " + type, d: path(points.map(([epoch, v]) => [x(epoch), y(v)])) });
  add(svg, "text", { x: left - 5, y: y(values[0]) + 4, "text-anchor": "end" }, number(values[0]));
  add(svg, "text", { x: right + 5, y: y(end) + 4 }, number(end));
}
