// Arranges and shows a drawing whose blocks open and close. `arrange` does what layout/arrange.py does.
"use strict";
(() => {
  const { constants: C, plan: root, open } = JSON.parse(document.getElementById("network").textContent);
  const opened = new Set(open);
  const svg = document.getElementById("drawing");
  const details = document.getElementById("details");

  const largest = (list, from) => list.reduce((a, b) => Math.max(a, b), from);

  function openExtent(box, inside) {
    const places = (kind) => inside.boxes.filter((b) => b.box.kind === kind).map((b) => b.x);
    const entries = places("entry"), exits = places("exit");
    const title = box.titleWidth + 22;
    const first = entries.length ? Math.min(...entries) : 0;
    return {
      left: Math.max(-inside.left + C.framePadding, title + C.framePadding - first),
      right: inside.right + C.framePadding,
      height: inside.height, strip: 0, entries, exits,
    };
  }

  // The x of each item, by its column: `Columns.positions` in layout/columns.py.
  function positions(plan, extents) {
    const { column, order, layers, routes } = plan, count = plan.boxes.length;
    const leftOf = new Map(), rightOf = new Map(), links = new Map(), gaps = new Map();
    for (const name of order) { leftOf.set(name, []); rightOf.set(name, []); links.set(name, []); }
    for (const layer of layers) {
      for (let k = 1; k < layer.length; k++) {
        const left = layer[k - 1], right = layer[k], key = `${column[left]} ${column[right]}`;
        const reach = (left < count ? extents[left].right : 0) + (right < count ? extents[right].left : 0);
        const gap = left < count && right < count ? C.gap : C.wireGap;
        const found = gaps.get(key) || [column[left], column[right], 0];
        found[2] = Math.max(found[2], reach + gap);
        gaps.set(key, found);
      }
    }
    for (const [left, right, distance] of gaps.values()) {
      leftOf.get(right).push([left, distance]);
      rightOf.get(left).push([right, distance]);
    }
    for (const route of routes) {
      for (let k = 1; k < route.length; k++) {
        const a = column[route[k - 1]], b = column[route[k]];
        if (a !== b) { links.get(a).push(b); links.get(b).push(a); }
      }
    }
    const x = new Map();
    for (const name of order) {
      const ends = leftOf.get(name).map(([other, distance]) => x.get(other) + distance);
      x.set(name, ends.length ? Math.max(...ends) : 0);
    }
    for (let round = 0; round < C.rounds; round++) {
      for (const name of round % 2 ? order : order.slice().reverse()) {
        const others = links.get(name);
        if (!others.length) continue;
        const wanted = others.reduce((sum, other) => sum + x.get(other), 0) / others.length;
        const low = largest(leftOf.get(name).map(([other, distance]) => x.get(other) + distance), -Infinity);
        const high = -largest(rightOf.get(name).map(([other, distance]) => distance - x.get(other)), -Infinity);
        x.set(name, Math.max(low, Math.min(wanted, high)));
      }
    }
    return column.map((name) => x.get(name));
  }

  function arrange(plan) {
    const inside = new Map();
    const closed = plan.boxes.map(({ closed: [left, right, height, strip], entries }) =>
      ({ left, right, height, strip, entries, exits: [0] }));
    const extents = closed.slice();
    plan.boxes.forEach((box, i) => {
      if (!box.inside || !opened.has(box.key)) return;
      inside.set(i, arrange(box.inside));
      extents[i] = openExtent(box, inside.get(i));
    });
    const x = positions(plan, extents);
    const rank = [];
    plan.layers.forEach((layer, n) => layer.forEach((item) => { rank[item] = n; }));
    const sideways = plan.layers.map(() => 0);
    for (const route of plan.routes) {
      for (let k = 1; k < route.length; k++) {
        const n = rank[route[k - 1]];
        sideways[n] = Math.max(sideways[n], Math.abs(x[route[k - 1]] - x[route[k]]));
      }
    }
    const tops = [], bottoms = [];
    let y = 0;
    plan.layers.forEach((layer, n) => {
      const height = largest(layer.filter((i) => i < plan.boxes.length).map((i) => extents[i].height), 0);
      tops.push(y);
      bottoms.push(y + height);
      y += height + Math.min(C.maxLayerGap, C.layerGap + C.slope * sideways[n]);
      if (n === 0 && height === 0) y += C.frameTitle - C.layerGap / 2;
    });
    const boxes = plan.boxes.map((box, i) => {
      const e = extents[i], n = rank[i], top = (tops[n] + bottoms[n] - e.height) / 2;
      return { box, x: x[i], left: x[i] - e.left, right: x[i] + e.right, top, bottom: top + e.height - e.strip,
        exits: e.exits.map((offset) => x[i] + offset), inside: inside.get(i) };
    });
    const arriving = new Map();
    plan.wires.forEach(([, target], n) => {
      const route = plan.routes[n];
      if (!arriving.has(target)) arriving.set(target, []);
      arriving.get(target).push([x[route[route.length - 2]], n]);
    });
    const ends = [];
    for (const [target, sources] of arriving) {
      sources.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
      const offsets = extents[target].entries;
      sources.forEach(([, n], place) => {
        const port = inside.has(target) ? plan.wires[n][3] : place;
        ends[n] = x[target] + (offsets.length ? offsets[port] : 0);
      });
    }
    const wires = plan.wires.map(([source, target, port], n) => {
      const from = boxes[source], to = boxes[target];
      const start = port < from.exits.length ? from.exits[port] : from.x;
      const between = plan.routes[n].slice(1, -1).map((i) => [x[i], tops[rank[i]], bottoms[rank[i]]]);
      return [[start, from.bottom, bottoms[rank[source]]], ...between, [ends[n], tops[rank[target]], to.top]];
    });
    const entry = boxes.find((b) => b.box.kind === "entry");
    const origin = entry ? entry.x : 0;
    const all = wires.flat().map((piece) => piece[0]);
    const left = Math.min(...boxes.map((b) => b.left), ...all) - origin;
    const right = Math.max(...boxes.map((b) => b.right), ...all) - origin;
    for (const b of boxes) {
      b.x -= origin; b.left -= origin; b.right -= origin;
      b.exits = b.exits.map((place) => place - origin);
    }
    for (const wire of wires) for (const piece of wire) piece[0] -= origin;
    return { boxes, wires, left, right, height: bottoms[bottoms.length - 1] };
  }

  function pathOf(wire) {
    return wire.map(([x, top, bottom], n) => {
      let text = `M${x} ${top}`;
      if (n > 0) {
        const [before, , end] = wire[n - 1], middle = (end + top) / 2;
        text = before === x ? `V${top}` : `C${before} ${middle} ${x} ${middle} ${x} ${top}`;
      }
      return bottom === top ? text : `${text}V${bottom}`;
    }).join("");
  }

  function element(name, attributes, markup = "") {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (markup) made.innerHTML = markup;
    return made;
  }

  function planElement(placed, x, y) {
    const group = element("g", { transform: `translate(${x} ${y})` });
    for (const b of placed.boxes) if (b.box.card) group.append(boxElement(b));
    for (const wire of placed.wires) {
      const [end, , tip] = wire[wire.length - 1], h = C.head;
      group.append(element("path", { class: "wire", d: pathOf(wire) }));
      group.append(element("path", { class: "head", d: `M${end} ${tip}l${-h} ${-1.6 * h}h${2 * h}z` }));
    }
    return group;
  }

  function boxElement({ box, x, left, right, top, bottom, exits, inside }) {
    const group = element("g", { class: box.kind, "data-key": box.key });
    if (inside) {
      const width = right - left, height = bottom - top;
      group.append(element("rect", { class: "frame", x: left, y: top, width, height, rx: 8 }));
      group.append(element("g", { transform: `translate(${left + C.framePadding} ${top + 17})` }, box.title));
      group.append(planElement(inside, x, top));
    } else {
      group.append(element("g", { transform: `translate(${left} ${top})` }, box.card));
    }
    if (box.label && !inside) {
      const at = `translate(${(exits.length ? exits[0] : x) + 6} ${bottom + C.strip - 5})`;
      group.append(element("g", { transform: at }, box.label));
    }
    if (box.inside) {
      // The handle is all of a closed block, and the title of an open one.
      const height = inside ? C.frameTitle : bottom - top;
      const width = inside ? box.titleWidth + 22 : 2 * (x - left);
      const handle = element("rect", { class: "handle", x: left, y: top, width, height, rx: 5, tabindex: 0,
        role: "button", "aria-expanded": Boolean(inside), "aria-label": box.name });
      const toggle = () => { opened.has(box.key) ? opened.delete(box.key) : opened.add(box.key); show(box.key); };
      handle.addEventListener("click", toggle);
      handle.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        toggle();
      });
      handle.addEventListener("focus", () => tell(box));
      group.append(handle);
    }
    group.addEventListener("pointerover", (event) => { event.stopPropagation(); tell(box); });
    return group;
  }

  function tell(box) {
    details.textContent = box.details.join("\n");
  }

  function show(focused) {
    const placed = arrange(root);
    const width = placed.right - placed.left + 2 * C.margin, height = placed.height + 2 * C.margin;
    for (const [key, value] of Object.entries({ width, height, viewBox: `0 0 ${width} ${height}` })) {
      svg.setAttribute(key, value);
    }
    svg.replaceChildren(planElement(placed, C.margin - placed.left, C.margin));
    if (focused === undefined) return;
    for (const group of svg.querySelectorAll("[data-key]")) {
      if (group.dataset.key === focused) group.querySelector(":scope > .handle").focus();
    }
  }

  function blocks(plan) {
    return plan.boxes.filter((b) => b.inside).flatMap((b) => [b.key, ...blocks(b.inside)]);
  }

  document.getElementById("open").addEventListener("click", () => { blocks(root).forEach((k) => opened.add(k)); show(); });
  document.getElementById("close").addEventListener("click", () => { opened.clear(); show(); });
  show();
})();
