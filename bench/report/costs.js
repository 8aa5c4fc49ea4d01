// Quality against cost, with the front of detectors that none is both better and cheaper than.

function drawCosts(box) {
  const cost = box.dataset.cost;
  const name = { fit_seconds: "CPU seconds to fit", score_us: "µs to score a sample" }[cost];
  const shown = DATA.detectors.filter((d) => d.complete && d.auroc !== null && d[cost] > 0);
  if (!shown.length) { add(box, "p", {}, "No complete detector has this cost on record."); return; }
  const width = 560, height = 400, costs = shown.map((d) => d[cost]);
  const x = scale(Math.min(...costs) / 1.6, Math.max(...costs) * 1.6, 44, width - 90, true);
  const lows = shown.map((d) => d.auroc_low ?? d.auroc);
  const y = scale(Math.floor(Math.min(...lows, 0.9) * 10) / 10, 1, height - 42, 26);
  const svg = chart(box, { width, height, x, y, xName: name, yName: "mean AUROC, 95 %",
    title: "AUROC against " + name, yPrint: (value) => share(value, 1) });
  const front = [];
  for (const d of [...shown].sort((a, b) => a[cost] - b[cost] || b.auroc - a.auroc)) {
    if (!front.length || d.auroc > front.at(-1).auroc) front.push(d);
  }
  add(svg, "path", { class: "front", d: path(front.map((d) => [x(d[cost]), y(d.auroc)])) });
  for (const d of [...shown].sort((a, b) => front.includes(a) - front.includes(b))) {
    const said = `${d.label}: AUROC ${share(d.auroc)}, ${number(d[cost])} ${name}`;
    const point = add(svg, "g", { class: "point " + d.kind, tabindex: 0, role: "img", "aria-label": said });
    if (d.auroc_low !== null) {
      add(point, "line", { class: "whisker", x1: x(d[cost]), x2: x(d[cost]),
        y1: y(d.auroc_low), y2: y(d.auroc_high) });
    }
    mark(point, d.kind, x(d[cost]), y(d.auroc));
    tip(point, said);
  }
  nameFront(svg, front, x, y, cost);
}

// Names stand right of their marks, moved apart, with a hair line where they had to move.
function nameFront(svg, front, x, y, cost) {
  const wanted = front.map((d) => y(d.auroc) - 10);
  spread(wanted, 13, 12, y(y.low) - 4).forEach((at, i) => {
    const left = x(front[i][cost]);
    add(svg, "line", { class: "grid", x1: left, y1: y(front[i].auroc), x2: left + 9, y2: at });
    add(svg, "text", { class: "label", x: left + 10, y: at + 3 }, front[i].label);
  });
}
