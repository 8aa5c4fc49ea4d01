// Critical differences: mean ranks, best on top, and bars that join what is not told apart.

function drawCritical(box) {
  const { unit, labels, kinds, ranks, difference, cliques } = DATA.critical[box.dataset.critical];
  const row = 17, top = 46, left = 200, right = 520, step = 9;
  const height = top + row * labels.length + 6, width = right + 20 + step * cliques.length;
  const x = scale(1, labels.length, left, right), at = (i) => top + row * (i + 0.5);
  const svg = add(box, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": `mean ranks over ${unit}`, style: `max-width: ${width * 1.15}px` });
  for (const tick of ticks(x, 8)) {
    add(svg, "line", { class: "grid", x1: x(tick), x2: x(tick), y1: top, y2: height });
    add(svg, "text", { x: x(tick), y: top - 6, "text-anchor": "middle" }, String(tick));
  }
  const end = Math.min(x(1 + difference), right);
  add(svg, "path", { class: "ruler", d: `M${left} 6v8m0 -4H${end}m0 -4v8` });
  add(svg, "text", { class: "label", x: left, y: 27 }, `critical difference ${difference.toFixed(1)}`);
  labels.forEach((label, i) => {
    const point = add(svg, "g", { class: "point " + kinds[i] });
    const name = label.length > 30 ? label.slice(0, 29) + "…" : label;
    add(point, "text", { class: "label", x: left - 12, y: at(i) + 4, "text-anchor": "end" }, name);
    mark(point, kinds[i], x(ranks[i]), at(i), 4);
    tip(point, `${label}: mean rank ${ranks[i].toFixed(1)}`);
  });
  cliques.forEach(([first, last], i) => {
    const bar = right + 16 + step * i;
    add(svg, "line", { class: "clique", x1: bar, x2: bar, y1: at(first) - 5, y2: at(last) + 5 });
  });
}
