// SPDX-License-Identifier: Apache-2.0
// Tables: sorting, filter, a short beginning, what a click on a row shows.

// Opens and shows the row with that id, wherever its table has it.
function openRow(id) {
  const row = document.getElementById(id);
  if (!row) return;
  row.dispatchEvent(new CustomEvent("reveal", { bubbles: true }));
  row.scrollIntoView({ block: "center" });
  row.classList.remove("flash");
  requestAnimationFrame(() => row.classList.add("flash"));
}

// Sorting, filter and a short beginning for a table; `makeBelow(row, index)` makes what a click shows.
function wire(id, what, { filter = false, makeBelow = null, onRow = null } = {}) {
  const table = document.getElementById(id);
  if (!table) return;
  const body = table.tBodies[0], first = 15;
  const entries = $$("tr:not(.below)", body).map((row, i) => {
    const next = row.nextElementSibling;
    const below = next && next.classList.contains("below") ? next : null;
    return { row, i, below, always: below && below.classList.contains("shown") ? " " + below.textContent : "" };
  });
  let all = false, words = [];
  const status = el("span", { role: "status" });
  const more = button("", () => { all = !all; show(); });
  function show() {
    let n = 0, place = 0;
    for (const entry of entries) {
      const text = (entry.row.textContent + entry.always).toLowerCase();
      const matches = words.every(word => text.includes(word));
      const visible = matches && (all || words.length > 0 || place < first);
      n += matches ? 1 : 0;
      place += 1;
      entry.row.hidden = !visible;
      if (entry.below) entry.below.hidden = !visible;
    }
    status.textContent = words.length > 0 ? `${n} of ${countOf(entries.length, what)}` : "";
    more.hidden = entries.length <= first || words.length > 0;
    more.textContent = all ? `show the first ${first}` : `show all ${countText(entries.length)}`;
  }
  function place() {
    for (const { row, below } of entries) body.append(row, ...(below ? [below] : []));
    show();
  }
  $$("thead th", table).forEach(th => {
    const sorter = button(th.textContent, () => sort(th));
    th.replaceChildren(sorter);
  });
  function sort(th) {
    const k = th.cellIndex, keyOf = ({ row }) => row.cells[k].dataset.v ?? row.cells[k].textContent;
    const numeric = th.classList.contains("n"), was = th.getAttribute("aria-sort");
    const down = was ? was === "ascending" : numeric;
    for (const other of $$("thead th", table)) other.removeAttribute("aria-sort");
    th.setAttribute("aria-sort", down ? "descending" : "ascending");
    const sign = down ? -1 : 1;
    entries.sort((a, b) => {
      const x = keyOf(a), y = keyOf(b);
      // What is not known goes last, whatever the order.
      if ((x === "-") !== (y === "-")) return x === "-" ? 1 : -1;
      const order = numeric && x !== "-" ? Number(x) - Number(y) : x.localeCompare(y);
      return sign * order || a.i - b.i;
    });
    place();
  }
  const reveal = entry => { if (entry.row.hidden) { all = true; words = []; if (input) input.value = ""; show(); } toggle(entry, true); };
  function toggle(entry, open) {
    if (!makeBelow) return;
    if (!entry.below) {
      entry.below = el("tr", { class: "below" }, el("td", { colspan: entry.row.cells.length }, el("div", { class: "inside" })));
      entry.row.after(entry.below);
    }
    if (!entry.made) makeBelow($(".inside", entry.below), entry.row, entry.i);
    entry.made = true;
    const shown = open ?? !entry.below.classList.contains("shown");
    entry.below.classList.toggle("shown", shown);
    entry.row.classList.toggle("open", shown);
    $(".opener", entry.row).setAttribute("aria-expanded", shown);
  }
  for (const entry of entries) {
    const { row } = entry;
    row.addEventListener("reveal", () => reveal(entry));
    const can = makeBelow || (onRow && row.dataset.a !== undefined);
    if (!can) continue;
    const act = makeBelow ? () => toggle(entry) : () => onRow(row);
    const head = $("th", row);
    const opener = button("", event => { event.stopPropagation(); act(); }, { class: makeBelow ? "opener" : "opener leads", ...(makeBelow ? { "aria-expanded": "false" } : {}) });
    opener.append(...head.childNodes);
    if (!makeBelow) opener.title = "show on the time line";
    head.append(opener);
    row.classList.add("can");
    row.addEventListener("click", event => {
      if (!event.target.closest("a, button") && String(getSelection()) === "") act();
    });
  }
  const input = filter ? el("input", { type: "search", placeholder: "filter", "aria-label": `filter ${what}s`, "aria-controls": id,
    input: () => { words = input.value.toLowerCase().split(/\s+/).filter(Boolean); show(); } }) : null;
  if (filter && entries.length > 1) table.parentElement.before(el("div", { class: "tools" }, input, status));
  if (entries.length > first) table.parentElement.after(el("p", {}, more));
  show();
}

// The cells that a narrow page leaves out, for where there is room for them.
function hiddenCells(row) {
  const heads = row.closest("table").tHead.rows[0].cells, list = el("dl", { class: "words narrow" });
  for (const cell of row.cells) {
    const drop = /\bd([123])\b/.exec(cell.className);
    if (!drop || $("svg.spark", cell)) continue;
    const text = cell.textContent.trim();
    const when = { class: "in-d" + drop[1] };
    list.append(el("dt", when, heads[cell.cellIndex].textContent), el("dd", when, text));
  }
  return list;
}
