// SPDX-License-Identifier: Apache-2.0
// Pictures of one function: how its items waited and executed, and where the time went.

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
    for (const ns of decades(low, high)) write(context, roundText(ns), clamp(x(ns), left + 10, width - 24), height - 6, "center");
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
      write(context, roundText(ns), left - 6, y(ns) + 4, "right");
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
