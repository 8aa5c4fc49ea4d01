// Curves and scores on a data set, for the detectors chosen; one choice serves all data sets.

const DASHES = ["", "7 3", "2 3", "9 3 2 3", "12 4", "4 2 1 2 1 2"];
const chosen = [...DATA.chosen]; // places in DATA.detectors
const slots = new Map(); // the dashes of each detector chosen so far, which it keeps
const shaded = new Set(chosen.slice(0, 2)); // those whose intervals are shown

// The colour of its type, and dashes of its own.
function styleOf(detector) {
  if (!slots.has(detector)) slots.set(detector, DASHES[slots.size % DASHES.length]);
  return { "stroke-dasharray": slots.get(detector), style: `--mark: var(--${DATA.detectors[detector].type})` };
}

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
  if (!dataset.detectors.length) { add(box, "p", {}, "No scores are stored for this data set."); return; }
  const series = chosen.filter((d) => dataset.detectors.includes(d)).map((d) => {
    const place = dataset.detectors.indexOf(d);
    return { index: d, look: styleOf(d), detector: DATA.detectors[d], place,
      ends: dataset.ends[place], values: dataset.values[place], ...unpack(dataset, place) };
  });
  drawLegend(box, dataset, series);
  const figures = add(box, "div", { class: "figures" });
  drawCurve(figures, series, "roc", DATA.grid.fpr, "false-positive rate", "recall", "ROC");
  drawCurve(figures, series, "pr", DATA.grid.recall, "recall", "precision", "PR", dataset.prevalence);
  add(box, "p", { class: "caption" }, "Means over seeds. Shaded: 95 % intervals, point by "
    + "point, of a single test set; tick others in the list. The dotted line is that of random scores."
    + (DATA.left_out ? ` To keep the page small, ${DATA.left_out} detectors have no curves here.` : ""));
  const small = add(box, "div", { class: "figures three" });
  for (const one of series) drawScores(small, one);
  add(box, "p", { class: "caption" }, "Scores of normals (up) and anomalies (down), all seeds, each "
    + "as a share of its class, in interquartile ranges from the median of the normals.");
}

function drawLegend(box, dataset, series) {
  const table = add(add(box, "div", { class: "scroll" }), "table", { class: "legend" });
  const head = add(add(table, "thead"), "tr");
  for (const name of ["", "detector", "AUROC", "AP", "interval", ""]) {
    add(head, "th", { scope: "col", class: name.startsWith("A") ? "number" : "" }, name);
  }
  const body = add(table, "tbody");
  for (const one of series) {
    const row = add(body, "tr"), { label } = one.detector;
    const svg = add(add(row, "td"), "svg", { viewBox: "0 0 34 10", "aria-hidden": "true" });
    add(svg, "line", { class: "line", x1: 1, x2: 33, y1: 5, y2: 5, ...one.look });
    add(row, "th", { scope: "row", class: "name" }, label);
    for (const value of one.values) add(row, "td", { class: "number" }, share(value));
    const tick = add(add(row, "td"), "input", { type: "checkbox", "aria-label": "interval of " + label });
    tick.checked = shaded.has(one.index);
    tick.addEventListener("change", () => {
      shaded[tick.checked ? "add" : "delete"](one.index);
      choose(box, chosen, `input[aria-label="${CSS.escape("interval of " + label)}"]`);
    });
    const button = add(add(row, "td"), "button", { type: "button", "aria-label": "leave out " + label }, "×");
    button.addEventListener("click", () => choose(box, chosen.filter((d) => d !== one.index)));
  }
  const adding = add(box, "label", { class: "legend" }, "add ");
  const select = add(adding, "select");
  add(select, "option", { value: "" }, "a detector");
  for (const d of [...dataset.detectors].sort((a, b) => a - b)) {
    if (!chosen.includes(d)) add(select, "option", { value: d }, DATA.detectors[d].label);
  }
  select.addEventListener("change", () => choose(box, [...chosen, Number(select.value)]));
}

// Redraws whatever is open; the focus stays where it was.
function choose(box, wanted, focus = "select") {
  chosen.splice(0, chosen.length, ...wanted);
  draw(document.getElementById("datasets"));
  box.querySelector(focus).focus();
}

function drawCurve(parent, series, part, grid, xName, yName, title, base = null) {
  const figure = add(parent, "figure"), width = room(figure, 640), height = 60 + 0.7 * width;
  const x = scale(0, 1, 40, width - 10), y = scale(0, 1, height - 42, 26);
  const svg = chart(figure, { width, height, x, y, xName, yName: `${title}: ${yName}`,
    title: `${title} curves`, print: (value) => share(value, 1) });
  const line = (values) => grid.map((at, i) => [x(at), y(values[i])]);
  for (const { index, look, [part]: [, low, high] } of series) {
    if (!shaded.has(index)) continue;
    add(svg, "path", { class: "band", style: look.style,
      d: path([...line(high), ...line(low).reverse()]) + "Z" });
  }
  const random = base === null ? [[0, 0], [1, 1]] : [[0, base], [1, base]];
  add(svg, "path", { class: "random", d: path(random.map(([a, b]) => [x(a), y(b)])) });
  for (const { look, [part]: [mean] } of series) {
    const start = part === "roc" ? [[x(0), y(0)]] : [];
    add(svg, "path", { class: "line", d: path([...start, ...line(mean)]), ...look });
  }
}

function drawScores(parent, { look, detector, ends: [low, high], normals, anomalies }) {
  const figure = add(parent, "figure"), width = room(figure, 420), height = 150;
  const middle = 78, half = 52, left = 8, right = width - 8;
  const svg = canvas(figure, width, height, "scores of " + detector.label);
  const x = scale(low, high, left, right), most = Math.max(...normals, ...anomalies);
  const step = (right - left) / normals.length;
  add(svg, "text", { class: "title", x: left, y: 14 }, detector.label);
  [[normals, -1, "normals"], [anomalies, 1, "anomalies"]].forEach(([shares, sign, name]) => {
    const corners = shares.flatMap((value, i) => [0, 1]
      .map((k) => [left + (i + k) * step, middle + (sign * half * value) / most]));
    add(svg, "path", { class: name, style: look.style,
      d: path([[left, middle], ...corners, [right, middle]]) + "Z" });
  });
  add(svg, "line", { class: "frame", x1: left, x2: right, y1: middle, y2: middle });
  let free = -Infinity;
  for (const tick of rangesShown(low, high)) {
    const at = x(Math.asinh(tick));
    if (at < free) continue;
    free = at + 30;
    add(svg, "line", { class: "grid", x1: at, x2: at, y1: middle - half, y2: middle + half });
    add(svg, "text", { x: at, y: height - 4, "text-anchor": "middle" }, number(tick));
  }
}

// Round numbers between two ends of an asinh axis.
function rangesShown(low, high) {
  const found = [0];
  for (let power = 0; power < 13; power++) found.push(10 ** power, 3 * 10 ** power);
  return [...found.map((v) => -v).reverse(), ...found.slice(1)]
    .filter((v) => Math.asinh(v) >= low && Math.asinh(v) <= high);
}
