// SPDX-License-Identifier: Apache-2.0
// The heat map: how many items waited how long, over time, of all or of one function.

function makeHeatMap(time) {
  const heat = data.heat, top = 8, bottom = 4;
  const maps = heat.maps.map(map => ({ ...map, cells: bytesOf(map.cells) }));
  const rowsOf = map => map.cells.length / heat.bins;
  const lowRow = maps[0].row, rows = Math.max(4, rowsOf(maps[0]));
  const out = { maps, shown: maps[0], paint, hit, showScale };
  let palette = [];

  function makePalette() {
    const stops = [0, 1, 2, 3].map(i => colour("heat-" + i).match(/[\d.]+/g).map(Number)), steps = 48;
    palette = Array.from({ length: steps }, (_, i) => {
      const at = i / (steps - 1) * 3, k = Math.min(2, Math.floor(at));
      return "rgb(" + [0, 1, 2].map(c => Math.round(stops[k][c] + (stops[k + 1][c] - stops[k][c]) * (at - k))).join(" ") + ")";
    });
  }
  // A byte is 1 + 8 log2 of a count.
  const countOfByte = byte => Math.round(2 ** ((byte - 1) / 8));
  const most = () => Math.max(2, out.shown.cells.reduce((a, b) => Math.max(a, b), 0));
  const latencyOf = row => 2 ** ((heat.first + row) / 2);
  const yOf = (ns, height) => height - bottom - (2 * Math.log2(ns) - heat.first - lowRow) / rows * (height - top - bottom);

  // Single items are drawn where there is room for them.
  const singles = () => (time.length >= data.span / 3 ? [] : data.items.filter(([, , to, fn]) =>
    to >= time.a && to <= time.b && (out.shown === maps[0] || fn === out.shown.f)));

  function paint(context, width, height) {
    const { shown } = out;
    makePalette();
    time.grid(context, width, height);
    time.losses(context, width, height);
    for (const ns of decades(latencyOf(lowRow), latencyOf(lowRow + rows))) {
      line(context, time.gutter(), yOf(ns, height), time.end(width), yOf(ns, height));
      write(context, roundText(ns), time.gutter() - 8, yOf(ns, height) + 4, "right");
    }
    const highest = most();
    time.columns(width, heat.bin, heat.bins, (x, length, first, last) => {
      for (let row = 0; row < rowsOf(shown); ++row) {
        const value = mostOf(shown.cells, row * heat.bins + first, row * heat.bins + last);
        if (value === 0) continue;
        context.fillStyle = palette[Math.round((value - 1) / (highest - 1) * (palette.length - 1))];
        const y0 = yOf(latencyOf(shown.row + row + 1), height), y1 = yOf(latencyOf(shown.row + row), height);
        // A single cell among none is to be seen.
        context.fillRect(x, y0, Math.max(3, length), y1 - y0 - 0.5);
      }
    });
    for (const [, from, to] of singles()) {
      context.strokeStyle = colour("text");
      context.beginPath();
      context.arc(time.xOf(to, width), yOf(Math.max(1, to - from), height), 3.5, 0, 7);
      context.stroke();
    }
    time.overlay(context, width, height);
  }
  function hit(x, y, width, height) {
    const t = time.at(x, width), { shown } = out;
    const single = singles().find(([, from, to]) => Math.hypot(time.xOf(to, width) - x, yOf(Math.max(1, to - from), height) - y) < 6);
    if (single) {
      const [id, from, to, fn] = single;
      return { lines: [fn, `waited ${spanText(to - from)}, started at ${time.text(to)}`], open: "item-" + id };
    }
    const row = Math.floor((height - bottom - y) / (height - top - bottom) * rows) + lowRow - shown.row;
    const bin = Math.floor(t / heat.bin);
    const value = row >= 0 && row < rowsOf(shown) && bin < heat.bins ? shown.cells[row * heat.bins + bin] : 0;
    if (!value) return { lines: [time.text(t)] };
    const n = countOfByte(value);
    return { lines: [(n > 12 ? "about " : "") + countOf(n, "item") + " in " + spanText(heat.bin),
      `waited ${spanText(latencyOf(shown.row + row))} to ${spanText(latencyOf(shown.row + row + 1))}`, "from " + time.text(bin * heat.bin)] };
  }
  // What the colours mean.
  function showScale(parent) {
    const bar = el("svg", { viewBox: "0 0 48 1", preserveAspectRatio: "none", "shape-rendering": "crispEdges", "aria-hidden": "true" });
    makePalette();
    palette.forEach((fill, x) => bar.append(el("rect", { x, width: 1.1, height: 1, fill })));
    parent.replaceChildren("1 item", bar, `${countText(countOfByte(most()))} in ${spanText(heat.bin)}, by how long they waited`);
  }
  return out;
}
