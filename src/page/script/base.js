// SPDX-License-Identifier: Apache-2.0
// What all parts of a page share: elements, numbers as text, colours, the theme, canvases.
// Names from a trace go through textContent only; times are ns since the begin of the time line.
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
// Of a round number: "100us", not "100.0us".
const roundText = ns => spanText(ns).replace(/\.0+|(\.\d)0/, "$1");
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

// Canvases that are to be painted: in the next frame those in the window, the others once they are.
const asked = new Set();
let frame = 0;
function paintAsked(all) {
  frame = 0;
  for (const one of asked) {
    if (!one.visible && all !== true) continue;
    asked.delete(one);
    one.paint();
  }
}
addEventListener("beforeprint", () => paintAsked(true));

// A canvas that is painted anew when its width or the theme changes: paint(context, width, height).
function surface(height, label, paint) {
  const canvas = el("canvas", { role: "img", "aria-label": label });
  const out = { canvas, height, visible: false, draw, paint: paintNow };
  function draw() {
    asked.add(out);
    frame ||= requestAnimationFrame(paintAsked);
  }
  function paintNow() {
    const width = canvas.clientWidth, scale = devicePixelRatio || 1;
    if (width === 0) return;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(out.height * scale);
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    context.font = "11px system-ui, sans-serif";
    paint(context, width, out.height);
  }
  canvas.style.height = height + "px";
  new ResizeObserver(draw).observe(canvas);
  new IntersectionObserver(entries => {
    out.visible = entries.at(-1).isIntersecting;
    if (asked.has(out)) draw();
  }, { rootMargin: "300px" }).observe(canvas);
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
