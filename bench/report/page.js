// The page: themes, what opens, and drawing each figure when it is first seen.

function makeTheme(button) {
  const root = document.documentElement, prefers = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ?? (prefers.matches ? "dark" : "light")) === "dark";
  const tell = () => { button.textContent = dark() ? "light" : "dark"; };
  try {
    const kept = localStorage.getItem("theme");
    if (kept) root.dataset.theme = kept;
  } catch { /* a browser that keeps nothing of files */ }
  button.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* as above */ }
    tell();
  });
  prefers.addEventListener("change", tell);
  button.hidden = false;
  tell();
}

function drawOpened(details) {
  if (!details.open) return;
  for (const box of details.querySelectorAll(".curves")) drawDataset(box);
  for (const box of details.querySelectorAll(".losses")) drawFits(box);
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
for (const box of document.querySelectorAll("[data-critical]")) drawCritical(box);
for (const box of document.querySelectorAll("[data-cost]")) drawCosts(box);
for (const details of document.querySelectorAll("details.dataset, details.detector")) {
  details.addEventListener("toggle", () => drawOpened(details));
}
addEventListener("hashchange", openTarget);
openTarget();
