// SPDX-License-Identifier: Apache-2.0
// Pools over time: the backlog, a lane for each worker, stalls in red.

function makePools(time) {
  const pools = data.pools.map(pool => ({
    ...pool, backlog: bytesOf(pool.backlog), most: bytesOf(pool.most), stall: bytesOf(pool.stall),
    lanes: pool.lanes.map(lane => ({ ...lane, share: bytesOf(lane.share), fn: bytesOf(lane.fn), slices: [] })),
    stalls: data.stalls.filter(stall => stall[1] === pool.name),
  }));
  for (const [from, length, fn, place, pid] of data.slices) {
    const lane = pools[place].lanes.find(l => (l.pid ?? -1) === pid);
    if (lane) lane.slices.push({ from, length, fn });
  }
  const laneHeight = 12, top = 6, functionName = fn => data.names[fn] ?? "another function";
  const backlogOf = pool => (pool.max > 0 ? 38 : 0), baseOf = pool => top + backlogOf(pool);
  const heightOf = pool => baseOf(pool) + 6 + pool.lanes.length * laneHeight;

  function paintStalls(context, width, height, pool) {
    context.fillStyle = colour("stall");
    time.columns(width, data.bin, pool.stall.length, (x, length, first, last) => {
      const most = mostOf(pool.stall, first, last);
      if (!most) return;
      context.globalAlpha = 0.2 * Math.max(0.35, most / 255);
      context.fillRect(x, 0, length, height);
      context.globalAlpha = 1;
      context.fillRect(x, 0, length, 3);
    });
  }
  function paintBacklog(context, width, pool) {
    const base = baseOf(pool);
    for (const [bytes, name] of [[pool.most, "area-pale"], [pool.backlog, "area"]]) {
      context.fillStyle = colour(name);
      time.columns(width, data.bin, bytes.length, (x, length, first, last) => {
        const most = mostOf(bytes, first, last), tall = Math.max(1, most / 255 * (backlogOf(pool) - 8));
        if (most) context.fillRect(x, base - tall, length, tall);
      });
    }
    line(context, time.gutter(), base, time.end(width), base);
    write(context, "backlog", time.gutter() - 8, base - 2, "right");
    write(context, countText(pool.max), time.gutter() - 8, top + 14, "right");
  }
  function paintLane(context, width, lane, y) {
    const full = laneHeight - 3, gutter = time.gutter();
    write(context, fitted(context, lane.name.replace(/^kworker\//, ""), gutter - 14), gutter - 8, y + full, "right");
    time.columns(width, data.bin, lane.share.length, (x, length, first, last) => {
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
      if (from + length < time.a || from > time.b) continue;
      const x0 = Math.max(gutter, time.xOf(from, width)), x1 = Math.min(time.end(width), time.xOf(from + length, width));
      if (x1 - x0 < 2) continue;
      context.fillStyle = colour(functionColour(fn));
      context.fillRect(x0, y, x1 - x0, full);
      context.fillStyle = colour("card");
      context.fillRect(x1 - 0.5, y, 0.5, full);
    }
    line(context, gutter, y + full, time.end(width), y + full);
  }
  function painter(pool) {
    return (context, width, height) => {
      time.grid(context, width, height);
      time.losses(context, width, height);
      paintStalls(context, width, height, pool);
      if (pool.max > 0) paintBacklog(context, width, pool);
      pool.lanes.forEach((lane, i) => paintLane(context, width, lane, baseOf(pool) + 4 + i * laneHeight));
      time.overlay(context, width, height);
    };
  }
  function laneLines(lane, t, bin) {
    const slice = lane.slices.find(s => t >= s.from && t <= s.from + s.length);
    if (slice) return [lane.name, `${functionName(slice.fn)}: ${spanText(slice.length)} from ${time.text(slice.from)}`];
    if (!lane.share[bin]) return [lane.name, "idle"];
    return [lane.name, `mostly ${functionName(lane.fn[bin])}, ${percentText(lane.share[bin] / 255)} of ${spanText(data.bin)}`];
  }
  function hitter(pool) {
    return (x, y, width) => {
      const t = time.at(x, width), bin = clamp(Math.floor(t / data.bin), 0, pool.backlog.length - 1), lines = [];
      const stall = pool.stalls.find(([, , at, length]) => t >= at && t <= at + length);
      const lane = pool.lanes[Math.floor((y - baseOf(pool) - 4) / laneHeight)];
      if (lane) lines.push(...laneLines(lane, t, bin));
      else if (pool.max > 0) lines.push(`backlog ${(pool.backlog[bin] / 255 * pool.max).toFixed(1)}, at most ${countText(pool.most[bin] / 255 * pool.max)}`);
      if (stall) lines.push(`stall ${stall[0]}: ${spanText(stall[3])}, ${stall[4]}, ${countOf(stall[5], "item")} waiting`);
      if (time.isLost(t)) lines.push("events are missing here");
      lines.push(time.text(t));
      return { lines, open: stall && "stall-" + stall[0] };
    };
  }
  function headOf(pool) {
    const head = el("div", { class: "pool" }, el("h4", {}, pool.name), el("span", {}, pool.kind));
    head.append(el("span", {}, `busy ${busyText(pool.busy / data.span)}`));
    if (pool.max > 0) head.append(el("span", {}, `backlog up to ${countText(pool.max)}`));
    if (pool.stalled > 0) head.append(el("span", { class: "hurt" }, `stalled ${spanText(pool.stalled)}`));
    if (pool.workers > pool.lanes.length) head.append(el("span", {}, `${pool.lanes.length} busiest of ${countOf(pool.workers, "worker")}`));
    return head;
  }
  return pools.map(pool => ({
    name: pool.name, head: headOf(pool), height: heightOf(pool), paint: painter(pool), hit: hitter(pool),
    label: `pool ${pool.name}: backlog and ${countOf(pool.lanes.length, "worker")} over time`,
  }));
}
