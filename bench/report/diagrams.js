// Critical-difference diagrams: mean ranks, best on top; bars join detectors that do not differ.

function drawDiagram(box) {
  const { unit, labels, types, ranks, difference, cliques } = DATA.diagrams[box.dataset.diagram];
  const row = 17, top = 46, width = room(box, 620), step = width < 450 ? 6 : 9;
  const left = Math.min(210, width * 0.38), right = width - 20 - step * cliques.length;
  const height = top + row * labels.length + 6;
  const x = scale(1, labels.length, left, right), at = (i) => top + row * (i + 0.5);
  const svg = canvas(box, width, height, `mean ranks over ${unit}`);
  for (const tick of ticks(x, (right - left) / 45)) {
    add(svg, "line", { class: "grid", x1: x(tick), x2: x(tick), y1: top, y2: height });
    add(svg, "text", { x: x(tick), y: top - 6, "text-anchor": "middle" }, String(tick));
  }
  const end = Math.min(x(1 + difference), right);
  add(svg, "path", { class: "ruler", d: `M${left} 6v8m0 -4H${end}m0 -4v8` });
  add(svg, "text", { class: "label", x: left, y: 27 }, `critical difference ${difference.toFixed(1)}`);
  labels.forEach((label, i) => {
    const point = add(svg, "g", { class: "point " + types[i] });
    add(point, "text", { class: "label", x: left - 12, y: at(i) + 4, "text-anchor": "end" },
      cut(label, left - 12));
    mark(point, types[i], x(ranks[i]), at(i), 4);
    tip(point, `${label}: mean rank ${ranks[i].toFixed(1)}`);
  });
  cliques.forEach(([first, last], i) => {
    const bar = right + 16 + step * i;
    add(svg, "line", { class: "clique", x1: bar, x2: bar, y1: at(first) - 5, y2: at(last) + 5 });
  });
}
