"use strict";
// SPDX-License-Identifier: Apache-2.0
// What a page does beyond its tables: theme, sorting, stories, charts, the time line.
// Names from a trace go through textContent only; times are ns since the begin of the time line.
(() => {
const $ = (selector, root = document) => root.querySelector(selector);
const $$ = (selector, root = document) => [...root.querySelectorAll(selector)];
const data = JSON.parse($("#data").textContent);
document.documentElement.classList.add("js");

// An element with attributes; a function is a listener, children are elements or text.
function el(tag, attributes = {}, ...children) {
  const svg = tag === "svg" || tag === "rect";
  const out = svg ? document.createElementNS("http://www.w3.org/2000/svg", tag) : document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (typeof value === "function") out.addEventListener(key, value);
    else if (value !== null) out.setAttribute(key, value);
  }
  out.append(...children);
  return out;
}
const button = (text, click, attributes = {}) => el("button", { type: "button", click, ...attributes }, text);

// Numbers as the program writes them: three digits.
function spanText(ns) {
  const units = [["ns", 1], ["us", 1e3], ["ms", 1e6], ["s", 1e9]];
  let i = 0;
  while (i < 3 && Math.abs(ns) >= 999.5 * units[i][1]) ++i;
  const value = ns / units[i][1], size = Math.abs(value);
  if (ns === 0) return "0";
  return (i === 0 || size >= 99.95 ? value.toFixed(0) : value.toFixed(size >= 9.995 ? 1 : 2)) + units[i][0];
}
const countText = n => Math.round(n).toLocaleString("en-US");
const countOf = (n, what) => countText(n) + " " + what + (Math.round(n) === 1 ? "" : "s");
const percentText = part => (part > 0 && part < 0.001 ? "<0.1" : (100 * part).toFixed(part < 0.9995 ? 1 : 0)) + "%";
const busyText = mean => (mean > 0 && mean < 0.005 ? "<0.01" : mean.toFixed(2));
const bytesOf = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

// Colours of the style sheet, as they are in the theme of the moment.
let colours = new Map();
const probe = document.body.appendChild(el("span", { hidden: "" }));
function colour(name) {
  if (!colours.has(name)) {
    probe.style.color = `var(--${name})`;
    colours.set(name, getComputedStyle(probe).color);
  }
  return colours.get(name);
}
const functionColour = place => "f" + (place < 8 ? place : 8);
const swatch = name => {
  const out = el("svg", { viewBox: "0 0 1 1", "aria-hidden": "true" }, el("rect", { width: 1, height: 1 }));
  out.style.fill = `var(--${name})`;
  return out;
};

// --- Theme

const themes = ["system", "light", "dark"];
const redraws = [];
function setTheme(theme) {
  document.documentElement.toggleAttribute("data-theme", theme !== "system");
  if (theme !== "system") document.documentElement.setAttribute("data-theme", theme);
  $("#theme").textContent = "theme: " + theme;
  colours = new Map();
  for (const redraw of redraws) redraw();
}
let theme = "system";
try { theme = localStorage.getItem("wqprof-theme") || theme; } catch { /* a page may have no store */ }
$("#theme").addEventListener("click", () => {
  theme = themes[(themes.indexOf(theme) + 1) % themes.length];
  try { localStorage.setItem("wqprof-theme", theme); } catch { /* as above */ }
  setTheme(theme);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => setTheme(theme));

// --- Canvases

// A canvas that is painted anew when its width or the theme changes: paint(context, width, height).
function surface(height, label, paint) {
  const canvas = el("canvas", { role: "img", "aria-label": label });
  const out = { canvas, height, draw };
  function draw() {
    const width = canvas.clientWidth, scale = devicePixelRatio || 1;
    if (width === 0) return;
    canvas.style.height = out.height + "px";
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(out.height * scale);
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.font = "11px system-ui, sans-serif";
    paint(context, width, out.height);
  }
  new ResizeObserver(draw).observe(canvas);
  redraws.push(draw);
  return out;
}
function write(context, text, x, y, align = "left", name = "soft") {
  context.fillStyle = colour(name);
  context.textAlign = align;
  context.fillText(text, x, y);
}
function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  while (text.length > 1 && context.measureText(text + "\u2026").width > width) text = text.slice(0, -1);
  return text + "\u2026";
}
function line(context, x0, y0, x1, y1, name = "line") {
  context.strokeStyle = colour(name);
  context.lineWidth = 1;
  context.beginPath();
  context.moveTo(Math.round(x0) + 0.5, Math.round(y0) + 0.5);
  context.lineTo(Math.round(x1) + 0.5, Math.round(y1) + 0.5);
  context.stroke();
}
// Powers of ten from `low` to `high`.
function decades(low, high) {
  const out = [];
  for (let value = 10 ** Math.ceil(Math.log10(low) - 1e-9); value <= high * 1.000001; value *= 10) out.push(value);
  return out;
}

// --- The time line

const timeline = $("#tl") && data.span > 0 ? makeTimeline() : null;

function makeTimeline() {
  const root = $("#tl"), tip = $("#tip"), whole = { a: 0, b: data.span };
  let view = { ...whole }, mark = null, past = [];
  const gutter = () => (root.clientWidth < 600 ? 62 : 92), right = 10;
  const heat = data.heat, maps = heat.maps.map(map => ({ ...map, cells: bytesOf(map.cells) }));
  const pools = data.pools.map(pool => ({
    ...pool, backlog: bytesOf(pool.backlog), most: bytesOf(pool.most), stall: bytesOf(pool.stall),
    lanes: pool.lanes.map(lane => ({ ...lane, share: bytesOf(lane.share), fn: bytesOf(lane.fn) })),
    stalls: data.stalls.filter(stall => stall[1] === pool.name),
  }));
  for (const pool of pools) for (const lane of pool.lanes) lane.slices = [];
  for (const [from, length, fn, place, pid] of data.slices) {
    const lane = pools[place].lanes.find(l => (l.pid ?? -1) === pid);
    if (lane) lane.slices.push({ from, length, fn });
  }
  const functionName = fn => data.names[fn] ?? "another function";
  let shown = maps[0];
  const surfaces = [];

  const xOf = (t, width) => gutter() + (t - view.a) / (view.b - view.a) * (width - gutter() - right);
  const timeAt = (x, width) => view.a + (x - gutter()) / (width - gutter() - right) * (view.b - view.a);
  const draw = () => { for (const s of surfaces) s.draw(); describe(); };

  // Steps of 1, 2 or 5 times a power of ten.
  function ticks(width) {
    const rough = (view.b - view.a) / Math.max(2, (width - gutter()) / 110);
    const decade = 10 ** Math.floor(Math.log10(rough));
    const step = decade * ([1, 2, 5].find(m => m * decade >= rough) ?? 10), out = [];
    for (let t = Math.ceil(view.a / step) * step; t <= view.b; t += step) out.push(t);
    return { step, at: out };
  }
  const stampText = (t, step) => (t / 1e9).toFixed(clamp(9 - Math.floor(Math.log10(step) + 1e-9), 0, 9)) + "s";
  const placeText = t => "+" + stampText(t, Math.max(1, (view.b - view.a) / 1000));
  function grid(context, width, height) {
    for (const t of ticks(width).at) line(context, xOf(t, width), 0, xOf(t, width), height);
  }
  function overlay(context, width, height) {
    if (!mark) return;
    const x0 = clamp(xOf(mark.a, width), gutter(), width - right), x1 = clamp(xOf(mark.b, width), gutter(), width - right);
    if (mark.b < view.a || mark.a > view.b) return;
    context.fillStyle = colour("doubt");
    context.globalAlpha = 0.13;
    context.fillRect(x0, 0, Math.max(1, x1 - x0), height);
    context.globalAlpha = 1;
    line(context, x0, 0, x0, height, "doubt");
    line(context, x1, 0, x1, height, "doubt");
  }
  // Calls f(x, length, first bin, last bin) for each column of pixels that has bins.
  function columns(width, bin, bins, f) {
    const from = Math.max(gutter(), Math.floor(xOf(0, width))), to = Math.min(width - right, xOf(data.span, width));
    for (let x = from; x < to;) {
      const i = clamp(Math.floor(timeAt(x, width) / bin), 0, bins - 1);
      // A bin that is wider than a pixel is one column.
      const next = Math.min(to, Math.max(x + 1, Math.round(xOf((i + 1) * bin, width))));
      const last = clamp(Math.ceil(timeAt(next, width) / bin) - 1, i, bins - 1);
      f(x, next - x, i, last);
      x = next;
    }
  }

  // The heat map.
  let palette = [];
  function makePalette() {
    const stops = [0, 1, 2, 3].map(i => colour("heat-" + i).match(/[\d.]+/g).map(Number)), steps = 48;
    palette = Array.from({ length: steps }, (_, i) => {
      const at = i / (steps - 1) * 3, k = Math.min(2, Math.floor(at));
      return "rgb(" + [0, 1, 2].map(c => Math.round(stops[k][c] + (stops[k + 1][c] - stops[k][c]) * (at - k))).join(" ") + ")";
    });
  }
  const rowsOf = map => map.cells.length / heat.bins;
  const lowRow = maps[0].row, rows = Math.max(4, rowsOf(maps[0])), top = 8, bottom = 4;
  const latencyOf = row => 2 ** ((heat.first + row) / 2);
  const yOf = (ns, height) => height - bottom - (2 * Math.log2(ns) - heat.first - lowRow) / rows * (height - top - bottom);
  const itemsShown = () => (data.items || []).filter(([, , , fn]) => shown === maps[0] || fn === shown.f);
  function paintHeat(context, width, height) {
    makePalette();
    grid(context, width, height);
    for (const ns of decades(latencyOf(lowRow), latencyOf(lowRow + rows))) {
      line(context, gutter(), yOf(ns, height), width - right, yOf(ns, height));
      write(context, spanText(ns).replace(/\.0+|(\.\d)0/, "$1"), gutter() - 8, yOf(ns, height) + 4, "right");
    }
    const most = Math.max(2, shown.cells.reduce((a, b) => Math.max(a, b), 0));
    columns(width, heat.bin, heat.bins, (x, length, first, last) => {
      for (let row = 0; row < rowsOf(shown); ++row) {
        let value = 0;
        for (let i = first; i <= last; ++i) value = Math.max(value, shown.cells[row * heat.bins + i]);
        if (value === 0) continue;
        context.fillStyle = palette[Math.round((value - 1) / (most - 1) * (palette.length - 1))];
        const y0 = yOf(latencyOf(shown.row + row + 1), height), y1 = yOf(latencyOf(shown.row + row), height);
        // A single cell among none is to be seen.
        context.fillRect(x, y0, Math.max(3, length), y1 - y0 - 0.5);
      }
    });
    if (view.b - view.a < data.span / 3) {
      for (const [, from, to] of itemsShown()) {
        if (to < view.a || to > view.b) continue;
        context.strokeStyle = colour("text");
        context.beginPath();
        context.arc(xOf(to, width), yOf(Math.max(1, to - from), height), 3.5, 0, 7);
        context.stroke();
      }
    }
    overlay(context, width, height);
  }
  function hitHeat(x, y, width, height) {
    const t = timeAt(x, width);
    for (const [id, from, to, fn] of itemsShown()) {
      const near = Math.hypot(xOf(to, width) - x, yOf(Math.max(1, to - from), height) - y) < 6;
      if (near && view.b - view.a < data.span / 3) {
        return { lines: [fn, `waited ${spanText(to - from)}, started at ${placeText(to)}`], open: "item-" + id };
      }
    }
    const row = Math.floor((height - bottom - y) / (height - top - bottom) * rows) + lowRow - shown.row;
    const bin = Math.floor(t / heat.bin);
    const value = row >= 0 && row < rowsOf(shown) && bin < heat.bins ? shown.cells[row * heat.bins + bin] : 0;
    if (!value) return { lines: [placeText(t)] };
    const n = Math.round(2 ** ((value - 1) / 8));
    return { lines: [(n > 12 ? "about " : "") + countOf(n, "item") + " in " + spanText(heat.bin),
      `waited ${spanText(latencyOf(shown.row + row))} to ${spanText(latencyOf(shown.row + row + 1))}`, "from " + placeText(bin * heat.bin)] };
  }

  // Pools.
  const laneHeight = 12, poolTop = 6, backlogOf = pool => (pool.max > 0 ? 38 : 0);
  function paintPool(pool) {
    return (context, width, height) => {
      grid(context, width, height);
      const red = (x, length, share) => {
        context.fillStyle = colour("stall");
        context.globalAlpha = 0.2 * share;
        context.fillRect(x, 0, length, height);
        context.globalAlpha = 1;
        context.fillRect(x, 0, length, 3);
      };
      columns(width, data.bin, pool.stall.length, (x, length, first, last) => {
        let most = 0;
        for (let i = first; i <= last; ++i) most = Math.max(most, pool.stall[i]);
        if (most) red(x, length, Math.max(0.35, most / 255));
      });
      const base = poolTop + backlogOf(pool);
      const scaled = byte => byte / 255 * (backlogOf(pool) - 8);
      for (const [bytes, name] of [[pool.most, "area-pale"], [pool.backlog, "area"]]) {
        context.fillStyle = colour(name);
        columns(width, data.bin, bytes.length, (x, length, first, last) => {
          let most = 0;
          for (let i = first; i <= last; ++i) most = Math.max(most, bytes[i]);
          if (most) context.fillRect(x, base - Math.max(1, scaled(most)), length, Math.max(1, scaled(most)));
        });
      }
      if (backlogOf(pool)) {
        line(context, gutter(), base, width - right, base);
        write(context, "backlog", gutter() - 8, base - 2, "right");
        write(context, countText(pool.max), gutter() - 8, poolTop + 14, "right");
      }
      pool.lanes.forEach((lane, i) => paintLane(context, width, lane, base + 4 + i * laneHeight));
      overlay(context, width, height);
    };
  }
  function paintLane(context, width, lane, y) {
    const full = laneHeight - 3;
    write(context, fitted(context, lane.name.replace(/^kworker\//, ""), gutter() - 14), gutter() - 8, y + full, "right");
    columns(width, data.bin, lane.share.length, (x, length, first, last) => {
      let sum = 0, most = 0, fn = 255;
      for (let i = first; i <= last; ++i) {
        sum += lane.share[i];
        if (lane.share[i] > most) [most, fn] = [lane.share[i], lane.fn[i]];
      }
      if (!most) return;
      const tall = Math.max(1.5, Math.sqrt(sum / (last - first + 1) / 255) * full);
      context.fillStyle = colour(functionColour(fn));
      context.fillRect(x, y + full - tall, length, tall);
    });
    for (const { from, length, fn } of lane.slices) {
      if (from + length < view.a || from > view.b) continue;
      const x0 = Math.max(gutter(), xOf(from, width)), x1 = Math.min(width - right, xOf(from + length, width));
      if (x1 - x0 < 2) continue;
      context.fillStyle = colour(functionColour(fn));
      context.fillRect(x0, y, x1 - x0, full);
      context.fillStyle = colour("card");
      context.fillRect(x1 - 0.5, y, 0.5, full);
    }
    line(context, gutter(), y + full, width - right, y + full);
  }
  function hitPool(pool) {
    return (x, y, width) => {
      const t = timeAt(x, width), bin = clamp(Math.floor(t / data.bin), 0, pool.backlog.length - 1), lines = [];
      const stall = pool.stalls.find(([, , at, length]) => t >= at && t <= at + length);
      const place = Math.floor((y - poolTop - backlogOf(pool) - 4) / laneHeight), lane = pool.lanes[place];
      if (place >= 0 && lane) {
        const slice = lane.slices.find(s => t >= s.from && t <= s.from + s.length);
        lines.push(lane.name);
        if (slice) lines.push(`${functionName(slice.fn)}: ${spanText(slice.length)} from ${placeText(slice.from)}`);
        else if (lane.share[bin]) lines.push(`mostly ${functionName(lane.fn[bin])}, ${percentText(lane.share[bin] / 255)} of ${spanText(data.bin)}`);
        else lines.push("idle");
      } else if (pool.max > 0) {
        lines.push(`backlog ${(pool.backlog[bin] / 255 * pool.max).toFixed(1)}, at most ${countText(pool.most[bin] / 255 * pool.max)}`);
      }
      if (stall) lines.push(`stall ${stall[0]}: ${spanText(stall[3])}, ${stall[4]}, ${countOf(stall[5], "item")} waiting`);
      lines.push(placeText(t));
      return { lines, open: stall && "stall-" + stall[0] };
    };
  }
  function paintAxis(context, width, height) {
    const { step, at } = ticks(width), inner = width - gutter() - right;
    for (const t of at) {
      const x = xOf(t, width);
      if (x > gutter() + 8 && x < width - 24) write(context, stampText(t, step), x, 12, "center");
    }
    // Which part of the whole this is.
    context.fillStyle = colour("raised");
    context.fillRect(gutter(), height - 5, inner, 4);
    context.fillStyle = colour("accent");
    if (view.b - view.a < data.span) context.fillRect(gutter() + view.a / data.span * inner, height - 5, Math.max(3, (view.b - view.a) / data.span * inner), 4);
  }

  function add(parent, surfaceMade, hit) {
    surfaces.push(surfaceMade);
    parent.append(surfaceMade.canvas);
    listen(surfaceMade, hit);
  }
  const addAxis = parent => add(parent, surface(22, "time since the begin of the recording", paintAxis), (x, y, width) => ({ lines: [placeText(timeAt(x, width))] }));
  // Drag, click, double click and hover on one canvas; what they mean concerns all.
  const cross = root.appendChild(el("div", { id: "tl-cross", hidden: "" }));
  const chosen = root.appendChild(el("div", { id: "tl-drag", hidden: "" }));
  let drag = null;
  function listen({ canvas }, hit) {
    const at = event => {
      const box = canvas.getBoundingClientRect();
      return { x: clamp(event.clientX - box.left, gutter(), box.width - right), y: event.clientY - box.top, width: box.width, height: box.height };
    };
    canvas.addEventListener("pointerdown", event => {
      if (event.button !== 0) return;
      drag = at(event).x;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", event => {
      const { x, y, width, height } = at(event);
      const inset = canvas.getBoundingClientRect().left - root.getBoundingClientRect().left;
      cross.hidden = false;
      cross.style.left = inset + x + "px";
      if (drag !== null && Math.abs(drag - x) > 4) {
        chosen.hidden = false;
        chosen.style.left = inset + Math.min(drag, x) + "px";
        chosen.style.width = Math.abs(drag - x) + "px";
        const length = Math.abs(timeAt(x, width) - timeAt(drag, width));
        showTip(event, [spanText(length), `from ${placeText(Math.min(timeAt(drag, width), timeAt(x, width)))}`]);
      } else {
        showTip(event, hit(x, y, width, height).lines);
      }
    });
    canvas.addEventListener("pointerleave", () => { tip.hidden = cross.hidden = true; });
    canvas.addEventListener("pointercancel", () => { drag = null; chosen.hidden = true; });
    canvas.addEventListener("pointerup", event => {
      if (drag === null) return;
      const { x, y, width, height } = at(event), from = drag;
      drag = null;
      chosen.hidden = true;
      if (Math.abs(from - x) > 4) {
        const [a, b] = [timeAt(from, width), timeAt(x, width)].sort((p, q) => p - q);
        return zoom(a, b);
      }
      const target = hit(x, y, width, height).open;
      if (target) openRow(target);
    });
    canvas.addEventListener("dblclick", back);
  }
  function showTip(event, lines) {
    tip.replaceChildren(...lines.map(text => el("div", {}, text)));
    tip.hidden = false;
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    tip.style.left = Math.max(4, x + scrollX) + "px";
    tip.style.top = event.clientY + 16 + scrollY + "px";
  }

  function zoom(a, b, keep = true) {
    const least = Math.min(1000, data.span);
    if (b - a < least) [a, b] = [(a + b - least) / 2, (a + b + least) / 2];
    const length = Math.min(b - a, data.span), from = clamp(a, 0, data.span - length);
    if (from === view.a && from + length === view.b) return;
    if (keep) past.push(view);
    if (past.length > 100) past.shift();
    view = { a: from, b: from + length };
    draw();
  }
  function back() {
    view = past.pop() ?? { ...whole };
    draw();
  }
  const scale = by => {
    const middle = (view.a + view.b) / 2, half = (view.b - view.a) / 2 * by;
    zoom(middle - half, middle + half);
  };
  const all = () => { mark = null; zoom(0, data.span); draw(); };
  function describe() {
    const isWhole = view.a <= 0 && view.b >= data.span;
    $("#tl-range").textContent = isWhole ? "all of " + spanText(data.span) : `${spanText(view.b - view.a)} from ${placeText(view.a)}`;
    $("#tl-back").disabled = past.length === 0;
    $("#tl-all").disabled = $("#tl-out").disabled = isWhole;
  }
  root.addEventListener("keydown", event => {
    const step = (view.b - view.a) / 5;
    const act = {
      ArrowLeft: () => zoom(view.a - step, view.b - step, false), ArrowRight: () => zoom(view.a + step, view.b + step, false),
      "+": () => scale(0.5), "=": () => scale(0.5), "-": () => scale(2), Home: all, 0: all, Backspace: back,
      Escape: () => { mark = null; draw(); },
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  $("#tl-in").addEventListener("click", () => scale(0.5));
  $("#tl-out").addEventListener("click", () => scale(2));
  $("#tl-back").addEventListener("click", back);
  $("#tl-all").addEventListener("click", all);

  const choose = $("#heat-of");
  maps.forEach((map, i) => choose.append(el("option", { value: i }, i === 0 ? "all functions" : `${map.f} [${map.w}]`)));
  choose.addEventListener("change", () => { shown = maps[choose.value]; draw(); showScale(); });
  const scaleBar = $("#tl-scale");
  function showScale() {
    const most = Math.round(2 ** ((shown.cells.reduce((a, b) => Math.max(a, b), 1) - 1) / 8));
    const bar = el("svg", { viewBox: "0 0 48 1", preserveAspectRatio: "none", "shape-rendering": "crispEdges", "aria-hidden": "true" });
    makePalette();
    palette.forEach((fill, x) => bar.append(el("rect", { x, width: 1.1, height: 1, fill })));
    scaleBar.replaceChildren("1 item", bar, `${countText(most)} in ${spanText(heat.bin)}, by how long they waited`);
  }
  redraws.push(showScale);

  add($("#tl-heat"), surface(230, `heat map: how long items waited over ${spanText(data.span)}; the tables below have the numbers`, paintHeat), hitHeat);
  addAxis($("#tl-heat"));
  data.names.slice(0, 8).forEach((name, i) => $("#tl-legend").append(el("li", {}, swatch("f" + i), name)));
  if (data.names.length > 8) $("#tl-legend").append(el("li", {}, swatch("f8"), "others"));
  $("#tl-legend").append(el("li", {}, swatch("stall"), "stalled"));
  for (const pool of pools) {
    const head = el("div", { class: "pool" }, el("h4", {}, pool.name), el("span", {}, pool.kind));
    head.append(el("span", {}, `busy ${busyText(pool.busy / data.span)}`));
    if (pool.max > 0) head.append(el("span", {}, `backlog up to ${countText(pool.max)}`));
    if (pool.stalled > 0) head.append(el("span", { class: "hurt" }, `stalled ${spanText(pool.stalled)}`));
    if (pool.workers > pool.lanes.length) head.append(el("span", {}, `${pool.lanes.length} busiest of ${countOf(pool.workers, "worker")}`));
    $("#tl-pools").append(head);
    pool.head = head;
    const height = poolTop + backlogOf(pool) + 6 + pool.lanes.length * laneHeight;
    add(head, surface(height, `pool ${pool.name}: backlog and ${countOf(pool.lanes.length, "worker")} over time`, paintPool(pool)), hitPool(pool));
  }
  addAxis($("#tl-axis"));
  showScale();
  describe();
  return {
    // Shows [a, b] with something on either side.
    go(a, b, poolName) {
      const around = Math.max((b - a) * 0.3, 2000);
      mark = { a, b };
      zoom(a - around, b + around);
      draw();
      const pool = pools.find(p => p.name === poolName);
      (pool ? pool.head : $("#timeline")).scrollIntoView({ block: pool ? "center" : "start" });
      root.focus({ preventScroll: true });
    },
    has: (f, w) => maps.some((map, i) => i > 0 && map.f === f && map.w === w),
    chooseFunction(f, w) {
      choose.value = maps.findIndex((map, i) => i > 0 && map.f === f && map.w === w);
      choose.dispatchEvent(new Event("change"));
      $("#timeline").scrollIntoView();
      choose.focus({ preventScroll: true });
    },
  };
}

const goTo = node => timeline.go(Number(node.dataset.a), Number(node.dataset.b), node.dataset.pool);
for (const node of $$("button.go")) {
  if (timeline) node.addEventListener("click", () => goTo(node));
  else node.remove();
}

// --- Tables

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
    return { row, i, below: next && next.classList.contains("below") ? next : null };
  });
  let all = false, words = [];
  const status = el("span", { role: "status" });
  const more = button("", () => { all = !all; show(); });
  function show() {
    let n = 0, place = 0;
    for (const entry of entries) {
      const text = entry.row.textContent.toLowerCase();
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

// --- Functions

// A logarithmic scale of durations from `low` to `high` over [from, to].
function logScale(low, high, from, to) {
  const a = Math.log(low), b = Math.log(Math.max(high, low * 2));
  return ns => from + (Math.log(Math.max(ns, low)) - a) / (b - a) * (to - from);
}
function histogram(title, distribution) {
  const { i: index, c: counts, q, n } = distribution;
  const low = 2 ** (Math.floor(index[0] ?? 0) / 4), high = 2 ** (((index.at(-1) ?? 0) + 1) / 4);
  const most = Math.max(1, ...counts), left = 44, right = 12, top = 22, bottom = 22;
  const marks = [["p50", q[0]], ["p99", q[4]], ["max", q.at(-1)]];
  const label = `${title}: ${countOf(n, "item")}, ${marks.map(([name, ns]) => `${name} ${spanText(ns)}`).join(", ")}`;
  const paint = (context, width, height) => {
    const x = logScale(low, high, left, width - right);
    const y = count => height - bottom - (Math.log10(count) + 0.3) / (Math.log10(most) + 0.3) * (height - top - bottom);
    for (const count of decades(1, most)) {
      line(context, left, y(count), width - right, y(count));
      write(context, countText(count), left - 6, y(count) + 4, "right");
    }
    for (const ns of decades(low, high)) write(context, spanText(ns).replace(/\.0+|(\.\d)0/, "$1"), clamp(x(ns), left + 10, width - 24), height - 6, "center");
    context.fillStyle = colour("area");
    index.forEach((at, k) => {
      const x0 = x(2 ** (at / 4)), x1 = x(2 ** ((at + 1) / 4));
      context.fillRect(x0, y(counts[k]), Math.max(1, x1 - x0 - 1), height - bottom - y(counts[k]));
    });
    let free = 0;
    for (const [name, ns] of marks) {
      const at = x(ns);
      line(context, at, 14, at, height - bottom, "text");
      const text = `${name} ${spanText(ns)}`, wide = context.measureText(text).width;
      const begin = clamp(at - wide / 2, Math.max(left, free), width - wide - 2);
      if (begin < free) continue;
      write(context, text, begin, 11, "left", "text");
      free = begin + wide + 8;
    }
    line(context, left, height - bottom, width - right, height - bottom);
  };
  return el("div", {}, el("h3", {}, title), surface(190, label, paint).canvas);
}
// Quantiles of several distributions, each nine a step of its own.
function percentiles(lines) {
  const values = lines.flatMap(([, d]) => d.q).filter(ns => ns > 0);
  const low = Math.min(...values), high = Math.max(...values), left = 50, right = 14, top = 12, bottom = 22;
  const nines = data.quantiles.map(q => (q < 1 ? -Math.log10(1 - q) : 5.5)), last = 5.5;
  const label = lines.map(([name, d]) => `${name}: p50 ${spanText(d.q[0])}, p99 ${spanText(d.q[4])}, p99.9 ${spanText(d.q[6])}, max ${spanText(d.q.at(-1))}`).join("; ");
  const paint = (context, width, height) => {
    const x = nine => left + (nine - 0.3) / (last - 0.3) * (width - left - right), y = logScale(low, high, height - bottom, top);
    for (const ns of decades(low, high)) {
      line(context, left, y(ns), width - right, y(ns));
      write(context, spanText(ns).replace(/\.0+|(\.\d)0/, "$1"), left - 6, y(ns) + 4, "right");
    }
    for (const [text, nine] of [["p50", 0.3], ["p90", 1], ["p99", 2], ["p99.9", 3], ["p99.99", 4], ["max", last]]) {
      write(context, text, clamp(x(nine), left + 8, width - 18), height - 6, "center");
    }
    for (const [, d, name] of lines) {
      context.strokeStyle = colour(name);
      context.lineWidth = 2;
      context.beginPath();
      d.q.forEach((ns, k) => context.lineTo(x(nines[k]), y(Math.max(ns, low))));
      context.stroke();
    }
  };
  const legend = el("ul", { class: "legend" }, ...lines.map(([name, , shade]) => el("li", {}, swatch(shade), name)));
  return el("div", {}, el("h3", {}, "Percentiles, by nines"), surface(190, label, paint).canvas, legend);
}
function partsBar(title, keys, values) {
  const sum = values.reduce((a, b) => a + b, 0);
  if (!(sum > 0)) return "";
  const bar = el("div", { class: "parts", "aria-hidden": "true" }), legend = el("ul", { class: "legend" });
  keys.map((key, i) => [key, values[i], "f" + (key === "unknown" ? 8 : i)]).filter(([, value]) => value > 0).forEach(([key, value, shade]) => {
    const part = el("div");
    part.style.background = `var(--${shade})`;
    part.style.flexGrow = value / sum;
    bar.append(part);
    legend.append(el("li", {}, swatch(shade), `${key.replaceAll("_", " ")} ${percentText(value / sum)}`));
  });
  return el("div", {}, el("h3", {}, title), bar, legend);
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
wire("pools-table", "pool");
wire("activation-table", "workqueue");
for (const table of $$("table[data-sort]")) wire(table.id, table.dataset.sort, { filter: true });
setTheme(theme);
})();
