// SPDX-License-Identifier: Apache-2.0
// Faults of the page that is shown: what cannot be read, reached or named.  A list of sentences.
const faults = [];
const shown = e => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && !e.closest(".hidden");
const nameOf = e => e.getAttribute("aria-label") || (e.labels && [...e.labels].map(l => l.textContent).join(" ")) || e.textContent || e.title;
const what = e => `<${e.tagName.toLowerCase()}${e.id ? " id=" + e.id : ""}> ${e.textContent.trim().slice(0, 40)}`;

// Contrast of text with what lies behind it, by the rules of WCAG 2: 4.5, or 3 of large text.
const numbers = text => (text.match(/[\d.]+/g) || []).map(Number);
function over(top, bottom) {
  const a = top[3] ?? 1;
  return [0, 1, 2].map(i => top[i] * a + bottom[i] * (1 - a));
}
function behind(e) {
  const layers = [];
  for (let at = e; at; at = at.parentElement) layers.push(numbers(getComputedStyle(at).backgroundColor));
  return layers.reverse().reduce((below, layer) => over(layer, below), [255, 255, 255]);
}
function luminance(rgb) {
  const [r, g, b] = rgb.map(v => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const looked = new Set();
let texts = 0;
for (let node = walker.nextNode(); node; node = walker.nextNode()) {
  const e = node.parentElement;
  if (!node.textContent.trim() || looked.has(e) || e.closest("script, style, svg") || !shown(e)) continue;
  looked.add(e);
  ++texts;
  const style = getComputedStyle(e), back = behind(e), text = over(numbers(style.color), back);
  const [light, dark] = [luminance(back), luminance(text)].sort((p, q) => q - p);
  const ratio = (light + 0.05) / (dark + 0.05), size = parseFloat(style.fontSize);
  const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
  if (ratio < (large ? 3 : 4.5)) faults.push(`contrast ${ratio.toFixed(2)}: ${what(e)}`);
}
if (texts < 20) faults.push(`only ${texts} texts`);

// Everything that can be used has a name and takes the focus, in the order of the page.
for (const e of document.querySelectorAll("a[href], button, input, select, [tabindex]")) {
  if (!shown(e)) continue;
  if (!nameOf(e)?.trim()) faults.push(`no name: ${what(e)}`);
  if (e.tabIndex < 0 && !e.disabled) faults.push(`not to be reached: ${what(e)}`);
  if (e.tabIndex > 0) faults.push(`out of order: ${what(e)}`);
}
for (const e of document.querySelectorAll("canvas, svg")) {
  const named = e.getAttribute("aria-hidden") === "true" || (e.getAttribute("role") === "img" && e.getAttribute("aria-label"));
  if (!named) faults.push(`a picture without a word: ${what(e)}`);
}
for (const table of document.querySelectorAll("table")) {
  if (!table.caption?.textContent) faults.push(`no caption: ${table.id}`);
  for (const th of table.querySelectorAll("th")) if (!th.scope) faults.push(`no scope: ${what(th)}`);
  for (const row of table.tBodies[0].rows) {
    if (!row.classList.contains("below") && row.querySelectorAll("th").length !== 1) faults.push(`no heading: ${what(row)}`);
  }
}
const ids = [...document.querySelectorAll("[id]")].map(e => e.id);
for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`id twice: ${id}`);
for (const a of document.querySelectorAll('a[href^="#"]')) {
  if (!document.getElementById(a.hash.slice(1))) faults.push(`leads nowhere: ${a.hash}`);
}
const levels = [...document.querySelectorAll("h1, h2, h3, h4")].map(h => Number(h.tagName[1]));
levels.forEach((level, i) => { if (level > (levels[i - 1] ?? 0) + 1) faults.push(`heading ${i} skips a level`); });
for (const landmark of ["main", "nav", "header", "footer"]) {
  if (document.querySelectorAll(landmark).length !== 1) faults.push(`not one <${landmark}>`);
}
if (document.documentElement.lang !== "en" || !document.title) faults.push("no language or no title");

// Nothing is wider than the page; what is wider scrolls by itself.
if (document.documentElement.scrollWidth > innerWidth) faults.push(`wider than the page: ${document.documentElement.scrollWidth}`);
return faults;
