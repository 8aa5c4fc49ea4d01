// Drawing: elements with text that is never markup, scales, axes, and a tip for what is pointed at.

const DATA = JSON.parse(document.getElementById("data").textContent);
const SVG = "http://www.w3.org/2000/svg";

function add(parent, name, attributes = {}, text = "") {
  const inside = parent.namespaceURI === SVG || name === "svg";
  const made = inside ? document.createElementNS(SVG, name) : document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  if (text) made.textContent = text;
  parent.append(made);
  return made;
}

// ".912": a share without its leading zero, as the tables print it.
function share(value, digits = 3) {
  return value === null ? "–" : value.toFixed(digits).replace(/^(-?)0\./, "$1.");
}

// Two digits: "0.034", "12", "3·10⁻⁵"; a true minus.
function number(value) {
  if (value < 0) return "−" + number(-value);
  if (value === 0 || (value >= 1e-3 && value < 1e4)) return String(Number(value.toPrecision(2)));
  const power = Math.floor(Math.log10(value)), front = Number((value / 10 ** power).toFixed(1));
  const raised = String(power).replace("-", "⁻").replace(/\d/g, (digit) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[digit]);
  return (front === 1 ? "10" : front + "·10") + raised;
}

// The width to draw with, so that letters keep their size: that of the box, within limits.
function room(box, most) {
  return Math.round(Math.max(280, Math.min(most, box.clientWidth || most)));
}

// A linear scale, or a logarithmic one, from the values between two ends to pixels.
function scale(low, high, from, to, log = false) {
  const f = log ? Math.log10 : (value) => value;
  const at = (value) => from + ((f(value) - f(low)) / (f(high) - f(low) || 1)) * (to - from);
  return Object.assign(at, { low, high, log });
}

function ticks(at, count = 5) {
  if (at.log) {
    const first = Math.floor(Math.log10(at.low)), last = Math.ceil(Math.log10(at.high));
    const fronts = last - first > 3 ? [1] : [1, 2, 5], step = Math.ceil((last - first) / 8);
    return range(first, last, step).flatMap((power) => fronts.map((front) => front * 10 ** power))
      .filter((value) => value >= at.low && value <= at.high);
  }
  const raw = (at.high - at.low) / count, unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * unit).find((s) => s >= raw);
  return range(Math.ceil(at.low / step - 1e-9), Math.floor(at.high / step + 1e-9), 1)
    .map((k) => k * step);
}

function range(first, last, step) {
  const found = [];
  for (let k = first; k <= last; k += step) found.push(k);
  return found;
}

function canvas(parent, width, height, title) {
  return add(parent, "svg", { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": title,
    style: `max-width: ${width}px` });
}

function cut(text, pixels) {
  const most = Math.floor(pixels / 6.2);
  return text.length > most ? text.slice(0, most - 1) + "…" : text;
}

// A chart with axes: gives the svg and leaves the inside to the caller.
function chart(parent, { width, height, x, y, xName, yName, title, print = number, yPrint = print }) {
  const svg = canvas(parent, width, height, title);
  for (const tick of ticks(x, Math.min(6, width / 70))) {
    add(svg, "line", { class: "grid", x1: x(tick), x2: x(tick), y1: y(y.low), y2: y(y.high) });
    add(svg, "text", { x: x(tick), y: y(y.low) + 15, "text-anchor": "middle" }, print(tick));
  }
  for (const tick of ticks(y)) {
    add(svg, "line", { class: "grid", x1: x(x.low), x2: x(x.high), y1: y(tick), y2: y(tick) });
    add(svg, "text", { x: x(x.low) - 6, y: y(tick) + 4, "text-anchor": "end" }, yPrint(tick));
  }
  add(svg, "text", { x: (x(x.low) + x(x.high)) / 2, y: y(y.low) + 31, "text-anchor": "middle" }, xName);
  add(svg, "text", { class: "title", x: x(x.low), y: y(y.high) - 8 }, yName);
  return svg;
}

function path(points) {
  return points.map(([x, y], i) => (i ? "L" : "M") + x.toFixed(1) + " " + y.toFixed(1)).join("");
}

// Marks of the four types differ in shape, not in colour alone.
function mark(parent, type, x, y, size = 5) {
  const s = size;
  if (type === "shallow") return add(parent, "circle", { class: "mark", cx: x, cy: y, r: s });
  const corners = {
    deep: [[-s, -s], [s, -s], [s, s], [-s, s]],
    hybrid: [[0, -1.4 * s], [1.4 * s, 0], [0, 1.4 * s], [-1.4 * s, 0]],
    baseline: [[-1.3 * s, -s / 2.5], [1.3 * s, -s / 2.5], [1.3 * s, s / 2.5], [-1.3 * s, s / 2.5]],
  }[type];
  return add(parent, "path", { class: "mark", d: path(corners.map(([a, b]) => [x + a, y + b])) + "Z" });
}

// Shows a text beside what the pointer or the keyboard is on.
function tip(element, text) {
  let shown = null;
  const show = () => {
    const box = element.getBoundingClientRect();
    shown = add(document.body, "div", { class: "tip" }, text);
    const room = document.documentElement.clientWidth - shown.offsetWidth - 4;
    shown.style.left = Math.max(4, Math.min(box.right + 6, room)) + "px";
    shown.style.top = Math.max(4, box.top - shown.offsetHeight - 4) + "px";
  };
  const hide = () => { shown?.remove(); shown = null; };
  for (const event of ["pointerenter", "focus"]) element.addEventListener(event, () => { hide(); show(); });
  for (const event of ["pointerleave", "blur"]) element.addEventListener(event, hide);
}

// Elements as one stop of the keyboard, in which the arrows walk.
function walk(elements) {
  elements.forEach((element, i) => {
    element.setAttribute("tabindex", i ? -1 : 0);
    element.addEventListener("keydown", ({ key }) => {
      const next = elements[i + { ArrowRight: 1, ArrowLeft: -1 }[key]];
      if (!next) return;
      element.setAttribute("tabindex", -1);
      next.setAttribute("tabindex", 0);
      next.focus();
    });
  });
}

// Moves values (pixels, in any order) apart until neighbours are a gap away from each other.
function spread(values, gap, low, high) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const placed = [...values];
  for (let round = 0; round < 200; round++) {
    let moved = false;
    for (let k = 1; k < order.length; k++) {
      const [a, b] = [order[k - 1], order[k]], missing = gap - (placed[b] - placed[a]);
      if (missing > 0.01) { placed[a] -= missing / 2; placed[b] += missing / 2; moved = true; }
    }
    for (const i of order) placed[i] = Math.min(high, Math.max(low, placed[i]));
    if (!moved) break;
  }
  return placed;
}
