// SPDX-License-Identifier: Apache-2.0
// The time line: one time for the heat map and all pools, moved by pointer, keys and buttons.

function makeTimeline() {
  const root = $("#tl"), time = makeTimeView(data.span, () => (root.clientWidth < 600 ? 62 : 92));
  const heat = makeHeatMap(time), pools = makePools(time), surfaces = [], past = [];
  const draw = () => {
    for (const one of surfaces) one.draw();
    describe();
  };

  function zoom(a, b, keep = true) {
    const least = Math.min(1000, data.span);
    if (b - a < least) [a, b] = [(a + b - least) / 2, (a + b + least) / 2];
    const length = Math.min(b - a, data.span), from = clamp(a, 0, data.span - length);
    if (from === time.a && from + length === time.b) return;
    if (keep) past.push([time.a, time.b]);
    if (past.length > 100) past.shift();
    [time.a, time.b] = [from, from + length];
    draw();
  }
  function back() {
    [time.a, time.b] = past.pop() ?? [0, data.span];
    draw();
  }
  function scale(by) {
    const middle = (time.a + time.b) / 2, half = time.length / 2 * by;
    zoom(middle - half, middle + half);
  }
  function unmark() {
    time.mark = null;
    draw();
  }
  function all() {
    zoom(0, data.span);
    unmark();
  }
  function describe() {
    $("#tl-range").textContent = time.isWhole ? "all of " + spanText(data.span) : `${spanText(time.length)} from ${time.text(time.a)}`;
    $("#tl-back").disabled = past.length === 0;
    $("#tl-all").disabled = $("#tl-out").disabled = time.isWhole;
  }
  root.addEventListener("keydown", event => {
    const step = time.length / 5;
    const act = {
      ArrowLeft: () => zoom(time.a - step, time.b - step, false), ArrowRight: () => zoom(time.a + step, time.b + step, false),
      "+": () => scale(0.5), "=": () => scale(0.5), "-": () => scale(2), Home: all, 0: all, Backspace: back, Escape: unmark,
    }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });
  for (const [id, act] of [["in", () => scale(0.5)], ["out", () => scale(2)], ["back", back], ["all", all]]) {
    $("#tl-" + id).addEventListener("click", act);
  }

  const listen = makePointer(root, time, zoom, back);
  function add(parent, height, label, paint, hit) {
    const made = surface(height, label, paint);
    surfaces.push(made);
    parent.append(made.canvas);
    listen(made.canvas, hit);
  }
  const addAxis = parent => add(parent, 22, "time since the begin of the recording", time.paintAxis, (x, y, width) => ({ lines: [time.text(time.at(x, width))] }));

  const choose = $("#heat-of"), showScale = () => heat.showScale($("#tl-scale"));
  heat.maps.forEach((map, i) => choose.append(el("option", { value: i }, i === 0 ? "all functions" : `${map.f} [${map.w}]`)));
  choose.addEventListener("change", () => {
    heat.shown = heat.maps[choose.value];
    draw();
    showScale();
  });
  redraws.push(showScale);
  add($("#tl-heat"), 230, `heat map: how long items waited over ${spanText(data.span)}; the tables below have the numbers`, heat.paint, heat.hit);
  addAxis($("#tl-heat"));
  const legend = data.names.slice(0, 8).map((name, i) => ["f" + i, name]);
  if (data.names.length > 8) legend.push(["f8", "others"]);
  const marks = [["stall", "stalled"], ...(data.lost ? [["lost", "events lost"]] : [])];
  for (const [shade, name] of [...legend, ...marks]) $("#tl-legend").append(el("li", {}, swatch(shade), name));
  for (const pool of pools) {
    $("#tl-pools").append(pool.head);
    add(pool.head, pool.height, pool.label, pool.paint, pool.hit);
  }
  addAxis($("#tl-axis"));
  showScale();
  describe();

  const mapOf = (f, w) => heat.maps.findIndex((map, i) => i > 0 && map.f === f && map.w === w);
  return {
    // Shows [a, b] with something on either side.
    go(a, b, poolName) {
      const around = Math.max((b - a) * 0.3, 2000), pool = pools.find(p => p.name === poolName);
      time.mark = { a, b };
      zoom(a - around, b + around);
      draw();
      (pool ? pool.head : $("#timeline")).scrollIntoView({ block: pool ? "center" : "start" });
      root.focus({ preventScroll: true });
    },
    has: (f, w) => mapOf(f, w) > 0,
    chooseFunction(f, w) {
      choose.value = mapOf(f, w);
      choose.dispatchEvent(new Event("change"));
      $("#timeline").scrollIntoView();
      choose.focus({ preventScroll: true });
    },
  };
}

// Drag, click, double click and hover on the canvases of the time line: what they mean concerns all
// of them.  Returns a function that listens to one, whose hit(x, y, width, height) says what is there.
function makePointer(root, time, zoom, back) {
  const tip = $("#tip");
  const cross = root.appendChild(el("div", { id: "tl-cross", hidden: "" }));
  const chosen = root.appendChild(el("div", { id: "tl-drag", hidden: "" }));
  let drag = null;

  function showTip(event, lines) {
    tip.replaceChildren(...lines.map(text => el("div", {}, text)));
    tip.hidden = false;
    const x = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    tip.style.left = Math.max(4, x + scrollX) + "px";
    tip.style.top = event.clientY + 16 + scrollY + "px";
  }
  function moved(event, { x, y, width, height }, inset, hit) {
    cross.hidden = false;
    cross.style.left = inset + x + "px";
    if (drag === null || Math.abs(drag - x) <= 4) return showTip(event, hit(x, y, width, height).lines);
    chosen.hidden = false;
    chosen.style.left = inset + Math.min(drag, x) + "px";
    chosen.style.width = Math.abs(drag - x) + "px";
    const [a, b] = [time.at(Math.min(drag, x), width), time.at(Math.max(drag, x), width)];
    showTip(event, [spanText(b - a), "from " + time.text(a)]);
  }
  function released({ x, y, width, height }, hit) {
    if (drag === null) return;
    const [x0, x1] = [Math.min(drag, x), Math.max(drag, x)];
    drag = null;
    chosen.hidden = true;
    if (x1 - x0 > 4) return zoom(time.at(x0, width), time.at(x1, width));
    const target = hit(x, y, width, height).open;
    if (target) openRow(target);
  }
  return (canvas, hit) => {
    const at = event => {
      const box = canvas.getBoundingClientRect();
      return { x: clamp(event.clientX - box.left, time.gutter(), time.end(box.width)), y: event.clientY - box.top, width: box.width, height: box.height };
    };
    canvas.addEventListener("pointerdown", event => {
      if (event.button !== 0) return;
      drag = at(event).x;
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointermove", event => {
      moved(event, at(event), canvas.getBoundingClientRect().left - root.getBoundingClientRect().left, hit);
    });
    canvas.addEventListener("pointerleave", () => { tip.hidden = cross.hidden = true; });
    canvas.addEventListener("pointercancel", () => { drag = null; chosen.hidden = true; });
    canvas.addEventListener("pointerup", event => released(at(event), hit));
    canvas.addEventListener("dblclick", back);
  };
}
