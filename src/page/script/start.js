// SPDX-License-Identifier: Apache-2.0
// Puts the parts together.

const timeline = $("#tl") && data.span > 0 ? makeTimeline() : null;
const goTo = node => timeline.go(Number(node.dataset.a), Number(node.dataset.b), node.dataset.pool);
for (const node of $$("button.go")) {
  if (timeline) node.addEventListener("click", () => goTo(node));
  else node.remove();
}

function functionBelow(cell, row, i) {
  cell.append(hiddenCells(row));
  const known = data.functions[i];
  if (!known || !(known.lat || known.exe)) {
    cell.append(el("p", { class: "note" }, known ? "No item of it is known from begin to end." : "Its distribution was left out."));
    return;
  }
  const lines = [["latency", known.lat, "f0"], ["before activation", known.act, "f1"], ["execution", known.exe, "f2"]].filter(([, d]) => d && d.q.some(ns => ns > 0));
  const charts = el("div", { class: "charts" });
  charts.append(known.lat ? histogram("Latency, queue to start", known.lat) : histogram("Execution", known.exe));
  if (lines.length > 0) charts.append(percentiles(lines));
  if (known.wait) charts.append(partsBar("Where the waits after activation went", data.waitParts, known.wait));
  if (known.run) charts.append(partsBar("Where the executions went", data.runParts, known.run));
  cell.append(charts);
  if (timeline && timeline.has(known.f, known.w)) {
    cell.append(button("show in the heat map", () => timeline.chooseFunction(known.f, known.w), { class: "go" }));
  }
}
function stallBelow(cell, row) {
  cell.prepend(hiddenCells(row));
  if (timeline && row.dataset.a !== undefined) {
    cell.append(button("show on the time line", () => goTo(row), { class: "go" }));
  }
}

wire("functions-table", "function", { filter: true, makeBelow: functionBelow });
wire("stalls-table", "stall", { filter: true, makeBelow: stallBelow });
wire("items-table", "item", { filter: true, onRow: timeline && goTo });
wire("stacks-table", "stack", { filter: true });
wire("pools-table", "pool");
wire("activation-table", "workqueue");
for (const table of $$("table[data-sort]")) wire(table.id, table.dataset.sort, { filter: true });
setTheme(theme);
