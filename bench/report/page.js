// The page: its theme, what opens, and drawing each chart when it is first seen.

function makeTheme(button) {
  const root = document.documentElement, prefers = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ?? (prefers.matches ? "dark" : "light")) === "dark";
  const label = () => { button.textContent = dark() ? "light" : "dark"; };
  try {
    const kept = localStorage.getItem("theme");
    if (kept) root.dataset.theme = kept;
  } catch { /* a browser that keeps nothing of files */ }
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* as above */ }
    label();
  });
  prefers.addEventListener("change", label);
  button.hidden = false;
  label();
}

const DRAWN = {
  "[data-diagram]": drawDiagram, "[data-cost]": drawCosts, "[data-dataset]": drawDataset,
  "[data-detector]": drawFits,
};

// Draws all charts inside that can be seen, at the width that they have.
function draw(root) {
  for (const [selector, drawer] of Object.entries(DRAWN)) {
    for (const box of root.querySelectorAll(selector)) {
      if (box.closest("details:not([open])")) continue;
      box.textContent = "";
      drawer(box);
    }
  }
}

function drawAgainWhenResized() {
  let width = document.body.clientWidth, timer = null;
  addEventListener("resize", () => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (document.body.clientWidth !== width) draw(document);
      width = document.body.clientWidth;
    }, 100);
  });
}

function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(location.hash.slice(1));
  if (target?.tagName === "DETAILS") {
    target.open = true;
    target.scrollIntoView();
  }
}

makeTheme(document.getElementById("theme"));
makeSortable(document.getElementById("leaderboard"));
makeFilter(document.querySelector(".filter"), document.getElementById("leaderboard"));
draw(document);
drawAgainWhenResized();
for (const details of document.querySelectorAll("main details")) {
  details.addEventListener("toggle", () => { if (details.open) draw(details); });
}
addEventListener("hashchange", openTarget);
openTarget();
