// Quality against cost, with the front: no other but a baseline is both better and cheaper.

function drawCosts(box) {
  const cost = box.dataset.cost;
  const name = { fit_seconds: "CPU seconds to fit", score_us: "µs to score a sample" }[cost];
  const known = DATA.detectors.filter((d) => d.complete && d.auroc !== null && d[cost] > 0);
  if (!known.length) { add(box, "p", {}, "No complete detector has this cost on record."); return; }
  const floor = axisFloor(known), shown = known.filter((d) => d.auroc >= floor);
  const width = room(box, 640), height = Math.min(440, 160 + width * 0.5), costs = shown.map((d) => d[cost]);
  const x = scale(Math.min(...costs) / 1.6, Math.max(...costs) * 1.6, 44, width - 24, true);
  const y = scale(floor, 1, height - 42, 26);
  const svg = chart(box, { width, height, x, y, xName: name, yName: "mean AUROC, 95 %",
    title: "AUROC against " + name, yPrint: (value) => share(value, 2) });
  const front = DATA.fronts[cost].map((i) => DATA.detectors[i]).filter((d) => d.auroc >= floor);
  add(svg, "path", { class: "front", d: path(front.map((d) => [x(d[cost]), y(d.auroc)])) });
  const points = [...shown].sort((a, b) => a[cost] - b[cost]).map((d) => {
    const text = `${d.label}: AUROC ${share(d.auroc)}, ${number(d[cost])} ${name}`;
    const point = add(svg, "g", { class: "point " + d.type, role: "img", "aria-label": text });
    if (d.auroc_low !== null) {
      add(point, "line", { class: "whisker", x1: x(d[cost]), x2: x(d[cost]),
        y1: y(Math.max(d.auroc_low, floor)), y2: y(d.auroc_high) });
    }
    mark(point, d.type, x(d[cost]), y(d.auroc));
    tip(point, text);
    return point;
  });
  walk(points);
  nameFront(svg, front, x, y, cost);
  const below = known.filter((d) => d.auroc < floor).map((d) => `${d.label} ${share(d.auroc)}`);
  if (below.length) add(box, "p", { class: "caption" }, "Below the axis: " + below.join(", ") + ".");
}

// The axis ends below all but the baselines, which would flatten the rest.
function axisFloor(known) {
  const others = known.filter((d) => d.type !== "baseline");
  const lowest = Math.min(...(others.length ? others : known).map((d) => d.auroc));
  return Math.floor(lowest * 20 - 0.4) / 20;
}

// Names stand right of the front, or left where there is no room, moved apart, with a hair line.
function nameFront(svg, front, x, y, cost) {
  const wanted = front.map((d) => y(d.auroc) - 12);
  spread(wanted, 13, 10, y(y.low) - 4).forEach((at, i) => {
    const from = x(front[i][cost]), side = from > x(x.high) - 140 ? -1 : 1, to = from + 14 * side;
    add(svg, "line", { class: "hair", x1: from, y1: y(front[i].auroc), x2: to, y2: at });
    add(svg, "text", { class: "label halo", x: to + 2 * side, y: at + 3,
      "text-anchor": side > 0 ? "start" : "end" }, front[i].label);
  });
}
