// SPDX-License-Identifier: Apache-2.0
// Which part of the time is shown, and where a time is on a canvas.

function makeTimeView(span, gutter) {
  const right = 10, lost = data.lost ? bytesOf(data.lost) : [];
  const time = {
    a: 0, b: span, mark: null, gutter,
    get length() { return time.b - time.a; },
    get isWhole() { return time.a <= 0 && time.b >= span; },
    end: width => width - right,
    xOf: (t, width) => gutter() + (t - time.a) / time.length * (width - gutter() - right),
    at: (x, width) => time.a + (x - gutter()) / (width - gutter() - right) * time.length,
    text: t => "+" + stampText(t, Math.max(1, time.length / 1000)),
    ticks, grid, losses, isLost, overlay, columns, paintAxis,
  };
  const stampText = (t, step) => (t / 1e9).toFixed(clamp(9 - Math.floor(Math.log10(step) + 1e-9), 0, 9)) + "s";

  // Steps of 1, 2 or 5 times a power of ten.
  function ticks(width) {
    const rough = time.length / Math.max(2, (width - gutter()) / 110);
    const decade = 10 ** Math.floor(Math.log10(rough));
    const step = decade * ([1, 2, 5].find(m => m * decade >= rough) ?? 10), out = [];
    for (let t = Math.ceil(time.a / step) * step; t <= time.b; t += step) out.push(t);
    return { step, at: out };
  }
  function grid(context, width, height) {
    for (const t of ticks(width).at) line(context, time.xOf(t, width), 0, time.xOf(t, width), height);
  }
  // Where events of a CPU are missing.
  function isLost(t) {
    return lost[Math.floor(t / data.bin)] > 0;
  }
  function losses(context, width, height) {
    context.fillStyle = colour("lost");
    columns(width, data.bin, lost.length, (x, length, first, last) => {
      if (mostOf(lost, first, last)) context.fillRect(x, 0, length, height);
    });
  }
  // What somebody asked to see.
  function overlay(context, width, height) {
    const { mark } = time;
    if (!mark || mark.b < time.a || mark.a > time.b) return;
    const [x0, x1] = [mark.a, mark.b].map(t => clamp(time.xOf(t, width), gutter(), width - right));
    context.fillStyle = colour("doubt");
    context.globalAlpha = 0.13;
    context.fillRect(x0, 0, Math.max(1, x1 - x0), height);
    context.globalAlpha = 1;
    line(context, x0, 0, x0, height, "doubt");
    line(context, x1, 0, x1, height, "doubt");
  }
  // Calls f(x, length, first bin, last bin) for each column of pixels that has bins.
  function columns(width, bin, bins, f) {
    const from = Math.max(gutter(), Math.floor(time.xOf(0, width))), to = Math.min(width - right, time.xOf(span, width));
    for (let x = from; x < to;) {
      const i = clamp(Math.floor(time.at(x, width) / bin), 0, bins - 1);
      // A bin that is wider than a pixel is one column.
      const next = Math.min(to, Math.max(x + 1, Math.round(time.xOf((i + 1) * bin, width))));
      const last = clamp(Math.ceil(time.at(next, width) / bin) - 1, i, bins - 1);
      f(x, next - x, i, last);
      x = next;
    }
  }
  function paintAxis(context, width, height) {
    const { step, at } = ticks(width), inner = width - gutter() - right;
    for (const t of at) {
      const x = time.xOf(t, width);
      if (x > gutter() + 8 && x < width - 24) write(context, stampText(t, step), x, 12, "center");
    }
    // Which part of the whole this is.
    context.fillStyle = colour("raised");
    context.fillRect(gutter(), height - 5, inner, 4);
    context.fillStyle = colour("accent");
    if (!time.isWhole) context.fillRect(gutter() + time.a / span * inner, height - 5, Math.max(3, time.length / span * inner), 4);
  }
  return time;
}

// The largest byte in [first, last].
function mostOf(bytes, first, last) {
  let most = 0;
  for (let i = first; i <= last; ++i) most = Math.max(most, bytes[i]);
  return most;
}
