// Curves of a data set, for the detectors chosen; and what detectors say of their fits.

const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2 1 2"];
const chosen = [...DATA.chosen];
const style = (i) => ({ "stroke-dasharray": DASHES[i % DASHES.length], style: `--mark: var(--s${i % 6})` });

// The numbers of one detector on one data set, from 16 bits each.
function unpack(dataset, place) {
  const { fpr, recall, bins } = DATA.grid, sizes = [fpr, fpr, fpr, recall, recall, recall]
    .map((grid) => grid.length).concat(bins, bins);
  const count = sizes.reduce((a, b) => a + b), bytes = atob(dataset.packed);
  let at = 2 * count * place;
  const parts = sizes.map((size) => Array.from({ length: size }, () => {
    const value = bytes.charCodeAt(at) + 256 * bytes.charCodeAt(at + 1);
    at += 2;
    return value / 65535;
  }));
  return { roc: parts.slice(0, 3), pr: parts.slice(3, 6), normals: parts[6], anomalies: parts[7] };
}

function drawDataset(box) {
  const dataset = DATA.datasets[box.dataset.dataset];
  box.textContent = "";
  if (!dataset.detectors.length) { add(box, "p", {}, "No scores are stored for this data set."); return; }
  const series = chosen.filter((d) => dataset.detectors.includes(d)).map((d) => {
    const place = dataset.detectors.indexOf(d);
    return { index: d, slot: chosen.indexOf(d), detector: DATA.detectors[d], place,
      ends: dataset.ends[place], values: dataset.values[place], ...unpack(dataset, place) };
  });
  drawLegend(box, dataset, series);
  const figures = add(box, "div", { class: "figures" });
  drawCurve(figures, series, "roc", DATA.grid.fpr, "false-positive rate", "recall", "ROC");
  drawCurve(figures, series, "pr", DATA.grid.recall, "recall", "precision", "PR", dataset.prevalence);
  add(box, "p", { class: "caption" }, "Means over seeds. Shaded: pointwise 95 % intervals of a "
    + "single test set. The dotted line is a random order.");
  const small = add(box, "div", { class: "figures three" });
  for (const one of series) drawScores(small, one);
  add(box, "p", { class: "caption" }, "Scores of normals (up) and anomalies (down), all seeds, each "
    + "as a share of its class, in interquartile ranges from the median of the normals.");
}

function drawLegend(box, dataset, series) {
  const table = add(box, "table", { class: "legend" });
  const head = add(add(table, "thead"), "tr");
  for (const name of ["", "detector", "AUROC", "AP", ""]) {
    add(head, "th", { scope: "col", class: name.startsWith("A") ? "number" : "" }, name);
  }
  const body = add(table, "tbody");
  for (const one of series) {
    const row = add(body, "tr");
    const svg = add(add(row, "td"), "svg", { viewBox: "0 0 34 10", "aria-hidden": "true" });
    add(svg, "line", { class: "line", x1: 1, x2: 33, y1: 5, y2: 5, ...style(one.slot) });
    add(row, "th", { scope: "row", class: "name" }, one.detector.label);
    for (const value of one.values) add(row, "td", { class: "number" }, share(value));
    const button = add(add(row, "td"), "button", { type: "button",
      "aria-label": "leave out " + one.detector.label }, "×");
    button.addEventListener("click", () => choose(box, chosen.filter((d) => d !== one.index)));
  }
  const label = add(box, "label", { class: "legend" }, "add ");
  const select = add(label, "select");
  add(select, "option", { value: "" }, "a detector");
  for (const d of [...dataset.detectors].sort((a, b) => a - b)) {
    if (!chosen.includes(d)) add(select, "option", { value: d }, DATA.detectors[d].label);
  }
  select.addEventListener("change", () => choose(box, [...chosen, Number(select.value)]));
}

// The choice is one for all data sets; the focus stays where it was.
function choose(box, wanted) {
  chosen.splice(0, chosen.length, ...wanted);
  for (const other of document.querySelectorAll("details.dataset[open] .curves")) drawDataset(other);
  box.querySelector("select").focus();
}

function drawCurve(parent, series, part, grid, xName, yName, title, base = null) {
  const width = 480, height = 400;
  const x = scale(0, 1, 40, width - 10), y = scale(0, 1, height - 42, 26);
  const svg = chart(add(parent, "figure"), { width, height, x, y, xName, yName: `${title}: ${yName}`,
    title: `${title} curves`, print: (value) => share(value, 1) });
  const random = base === null ? [[0, 0], [1, 1]] : [[0, base], [1, base]];
  add(svg, "path", { class: "front", d: path(random.map(([a, b]) => [x(a), y(b)])),
    "stroke-dasharray": "1 4" });
  for (const { slot, [part]: [, low, high] } of series) {
    const around = [...steps(grid, high, part, x, y), ...steps(grid, low, part, x, y).reverse()];
    add(svg, "path", { class: "band", d: path(around) + "Z", style: style(slot).style });
  }
  for (const { slot, [part]: [mean] } of series) {
    const points = steps(grid, mean, part, x, y);
    if (part === "roc") points.unshift([x(0), y(0)]);
    add(svg, "path", { class: "line", d: path(points), ...style(slot) });
  }
}

function steps(grid, values, part, x, y) {
  return grid.map((at, i) => [x(at), y(values[i])]);
}

function drawScores(parent, { slot, detector, ends: [low, high], normals, anomalies }) {
  const width = 320, height = 150, middle = 78, half = 52, left = 8, right = width - 8;
  const svg = add(add(parent, "figure"), "svg", { viewBox: `0 0 ${width} ${height}`, role: "img",
    "aria-label": "scores of " + detector.label });
  const x = scale(low, high, left, right), most = Math.max(...normals, ...anomalies);
  const step = (right - left) / normals.length;
  add(svg, "text", { class: "title", x: left, y: 14 }, detector.label);
  [[normals, -1, "normals"], [anomalies, 1, "anomalies"]].forEach(([shares, sign, name]) => {
    const corners = shares.flatMap((value, i) => [0, 1]
      .map((k) => [left + (i + k) * step, middle + (sign * half * value) / most]));
    add(svg, "path", { class: name, style: style(slot).style,
      d: path([[left, middle], ...corners, [right, middle]]) + "Z" });
  });
  add(svg, "line", { class: "frame", x1: left, x2: right, y1: middle, y2: middle });
  let free = -Infinity;
  for (const tick of rangesShown(low, high)) {
    const at = x(Math.asinh(tick));
    if (at < free) continue;
    free = at + 30;
    add(svg, "line", { class: "grid", x1: at, x2: at, y1: middle - half, y2: middle + half });
    add(svg, "text", { x: at, y: height - 4, "text-anchor": "middle" }, number2(tick));
  }
}

// Round figures between two ends of an asinh axis.
function rangesShown(low, high) {
  const found = [0];
  for (let power = 0; power < 13; power++) found.push(10 ** power, 3 * 10 ** power);
  return [...found.map((v) => -v).reverse(), ...found.slice(1)]
    .filter((v) => Math.asinh(v) >= low && Math.asinh(v) <= high);
}

function number2(value) {
  return value < 0 ? "−" + number(-value) : number(value);
}

// One line a data set: the mean over seeds of each curve that the fits left.
function drawFits(box) {
  const { curves, label } = DATA.detectors[box.dataset.detector];
  box.textContent = "";
  const figures = add(box, "div", { class: "figures" });
  for (const [name, byDataset] of Object.entries(curves)) {
    const lines = Object.entries(byDataset).filter(([, points]) => points.length > 1);
    if (lines.length) drawFit(figures, label, name, lines);
  }
}

function drawFit(parent, label, name, lines) {
  const width = 620, height = 380, all = lines.flatMap(([, points]) => points);
  const values = all.map(([, value]) => value), log = values.every((value) => value > 0);
  const x = scale(1, Math.max(...all.map(([epoch]) => epoch)), 52, width - 150);
  const y = scale(Math.min(...values), Math.max(...values), height - 42, 26, log);
  const figure = add(parent, "figure");
  const svg = chart(figure, { width, height, x, y, xName: "epoch", yName: name,
    title: `${name} of ${label} by epoch`, yPrint: (v) => (v < 0 ? number2(v) : number(v)) });
  const ends = spread(lines.map(([, points]) => y(points.at(-1)[1])), 12, 20, y(y.low));
  lines.forEach(([dataset, points], i) => {
    const line = add(svg, "path", { class: "line deep", "stroke-width": 1.5,
      d: path(points.map(([epoch, value]) => [x(epoch), y(value)])) });
    tip(line, `${dataset}: ${number2(points[0][1])} to ${number2(points.at(-1)[1])}`);
    const [epoch, value] = points.at(-1);
    add(svg, "line", { class: "grid", x1: x(epoch) + 2, y1: y(value), x2: width - 146, y2: ends[i] });
    add(svg, "text", { x: width - 144, y: ends[i] + 4 }, dataset);
  });
  add(figure, "figcaption", {}, `${name} by epoch: mean over seeds, one line a data set.`);
}
