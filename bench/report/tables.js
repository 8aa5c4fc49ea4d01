// Tables that sort by a column and filter by name and type.

function makeSortable(table) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    if (head.getAttribute("aria-hidden")) return;
    const name = head.textContent;
    head.textContent = "";
    const button = add(head, "button", { type: "button", title: "sort by " + name }, name);
    button.addEventListener("click", () => {
      const now = head.getAttribute("aria-sort"), first = head.dataset.first ?? "ascending";
      const other = { ascending: "descending", descending: "ascending" };
      const direction = now ? other[now] : first;
      for (const one of heads) one.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", direction);
      for (const body of table.tBodies) sortBody(body, column, direction === "ascending" ? 1 : -1);
    });
  });
}

// Rows without a value come last, whatever the direction; equal ones stay as they were.
function sortBody(body, column, sign) {
  const value = (row) => row.cells[column].dataset.value;
  const absent = (text) => text === "" || text === "nan";
  const rows = [...body.rows].sort((a, b) => {
    const [x, y] = [value(a), value(b)];
    if (absent(x) || absent(y)) return absent(x) - absent(y);
    const [p, q] = [Number(x), Number(y)];
    return sign * (isNaN(p) || isNaN(q) ? x.localeCompare(y) : p - q);
  });
  body.append(...rows);
}

function makeFilter(form, table) {
  const search = form.querySelector("input[type=search]"), shown = form.querySelector("output");
  const types = [...form.querySelectorAll("input[type=checkbox]")];
  const rows = [...table.tBodies].flatMap((body) => [...body.rows]);
  const apply = () => {
    const part = search.value.trim().toLowerCase();
    const wanted = new Set(types.filter((box) => box.checked).map((box) => box.value));
    let count = 0;
    for (const row of rows) {
      row.hidden = !(wanted.has(row.dataset.type) && row.dataset.name.toLowerCase().includes(part));
      count += !row.hidden;
    }
    shown.textContent = `${count} of ${rows.length} shown`;
  };
  form.hidden = false;
  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  apply();
}
