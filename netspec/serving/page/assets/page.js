// Try a model: a form for what it takes, and its prediction as bars, values or an image.
"use strict";
(() => {
  const at = (id) => document.getElementById(id);
  const form = at("form"), result = at("result");
  let model = null, send = () => {}, latest = 0;

  function make(tag, properties = {}, ...children) {
    const made = Object.assign(document.createElement(tag), properties);
    made.append(...children);
    return made;
  }

  const note = (text) => make("p", { className: "note", textContent: text });

  // ---------------------------------------------------------------- requests

  async function predict(body, type, shown) {
    const number = ++latest, started = performance.now();
    let found, ok = false;
    try {
      const response = await fetch(`/models/${encodeURIComponent(model.name)}/predict`, {
        method: "POST", body, headers: { "Content-Type": type },
      });
      found = await response.json();
      ok = response.ok;
    } catch {
      found = { error: "the server does not respond" };
    }
    if (number !== latest) return; // a later input has its result already
    at("time").textContent = ok ? `${(performance.now() - started).toFixed(0)} ms, ${found.model} ${found.version}` : "";
    result.replaceChildren(...(ok ? prediction(found) : [make("p", { className: "error", textContent: found.error })]));
    at("call").hidden = false;
    const url = `${location.origin}/models/${model.name}/predict`;
    at("curl").textContent = `curl ${url} \\\n  -H 'Content-Type: ${type}' \\\n  ${shown}`;
  }

  const sendJson = (inputs) => {
    const text = JSON.stringify({ inputs });
    const short = text.length > 400 ? text.slice(0, 400) + " …" : text;
    return predict(text, "application/json", `-d '${short.replaceAll("'", "'\\''")}'`);
  };

  // ---------------------------------------------------------------- predictions

  function prediction(found) {
    const [one] = found.predictions, parts = [];
    const several = model.outputs.length > 1;
    for (const output of model.outputs) {
      if (several) parts.push(make("h3", { textContent: output.name }));
      parts.push(...outputParts(several ? one[output.name] : one));
    }
    for (const text of found.warnings || []) parts.push(make("p", { className: "warning", textContent: text }));
    return parts;
  }

  function outputParts(one) {
    if (one.probabilities) return [...classParts(one)];
    if (one.tags) return [bars(Object.entries(one.tags), null)];
    if (one.classes) return [make("p", { className: "answer", textContent: one.classes.join(" ") || "nothing" })];
    if (one.targets) return [values(Object.entries(one.targets))];
    return valueParts(one.values);
  }

  function* classParts(one) {
    const name = String("class" in one ? one.class : one.answer);
    const answer = make("p", { className: "answer", textContent: `${shownName(name)} ` });
    const probability = one.probabilities[name];
    answer.append(make("small", { textContent: percent(probability) + (one.threshold ? `, yes from ${percent(one.threshold)}` : "") }));
    yield answer;
    const entries = Object.entries(one.probabilities);
    const largest = [...entries].sort((a, b) => b[1] - a[1]).slice(0, 10);
    yield bars(entries.length <= 10 ? entries : largest, name);
    if (entries.length > 10) yield note(`the 10 most probable of ${entries.length} classes`);
  }

  const percent = (number) => `${(100 * number).toFixed(1)}%`;
  const shownName = (name) => (name.trim() ? name : JSON.stringify(name));
  const number = (value, digits = 6) => value.toLocaleString("en", { maximumSignificantDigits: digits });

  function bars(entries, best) {
    const list = make("ol", { className: "bars" });
    for (const [name, value] of entries) {
      const bar = make("div", { className: "bar" });
      bar.style.width = percent(value);
      const track = make("div", { className: "track" }, bar);
      track.setAttribute("aria-hidden", "true");
      list.append(make("li", { className: name === best ? "best" : "" },
        make("span", { className: "name", textContent: shownName(name) }), track,
        make("span", { className: "percent", textContent: percent(value) })));
    }
    return list;
  }

  function values(entries) {
    const list = make("dl", { className: "values" });
    for (const [name, value] of entries) {
      list.append(make("dt", { textContent: name }), make("dd", { textContent: number(value) }));
    }
    return list;
  }

  function valueParts(found) {
    const size = [];
    for (let inner = found; Array.isArray(inner); inner = inner[0]) size.push(inner.length);
    if (size.length === 3 && [1, 3].includes(size[2]) && size[0] > 1 && size[1] > 1) return [pixels(found, size)];
    const flat = [found].flat(Infinity);
    const listed = [values(flat.slice(0, 24).map((value, i) => [flat.length > 1 ? String(i) : "value", value]))];
    return flat.length > 24 ? [...listed, note(`the first 24 of ${flat.length} numbers`)] : listed;
  }

  function pixels(found, [height, width, channels]) {
    const canvas = make("canvas", { width, height });
    canvas.style.width = "min(280px, 100%)";
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `predicted image, ${height} x ${width} pixels`);
    const image = new ImageData(width, height);
    found.flat().forEach((pixel, i) => {
      const colors = channels === 1 ? [pixel[0], pixel[0], pixel[0]] : pixel;
      image.data.set([...colors.map((value) => 255 * value), 255], 4 * i);
    });
    canvas.getContext("2d").putImageData(image, 0, 0);
    return canvas;
  }

  // ---------------------------------------------------------------- images

  function imageForm({ height, width, channels }) {
    const h = height || 224, w = width || 224;
    const canDraw = channels === 1 && h <= 64 && w <= 64;
    const preview = make("canvas", { className: "preview", width: w, height: h });
    preview.setAttribute("role", "img");
    preview.setAttribute("aria-label", "what the network gets");
    const seen = make("figure", {}, preview, make("figcaption", { textContent: `what it gets: ${h} x ${w}` }));
    const boards = make("div", { className: "boards" });
    form.append(boards);
    if (canDraw) drawing(boards, preview, h, w);
    else boards.append(seen);
    if (canDraw) boards.append(seen);
    dropping(preview, h, w);
  }

  function drawing(boards, preview, h, w) {
    const scale = Math.ceil(280 / Math.max(h, w));
    const pen = make("canvas", { className: "pen", width: w * scale, height: h * scale, tabIndex: 0 });
    pen.setAttribute("role", "img");
    pen.setAttribute("aria-label", "draw here with the mouse, a pen or a finger; arrow keys move the pen, space puts it down");
    const context = pen.getContext("2d", { willReadFrequently: true });
    const fit = make("input", { type: "checkbox", id: "fit", checked: h >= 20 });
    const clear = make("button", { type: "button", textContent: "clear" });
    const thick = (pen.width + pen.height) / 2 / (h >= 20 ? 12 : 7);
    Object.assign(context, { lineCap: "round", lineJoin: "round", strokeStyle: "#fff", lineWidth: thick });
    const start = () => { context.fillStyle = "#000"; context.fillRect(0, 0, pen.width, pen.height); };
    start();
    let last = null, timer = 0;
    const cursor = { x: pen.width / 2, y: pen.height / 2, down: false };

    const line = (from, to) => {
      context.beginPath();
      context.moveTo(from.x, from.y);
      context.lineTo(to.x + 0.01, to.y);
      context.stroke();
      clearTimeout(timer);
      timer = setTimeout(send, 120);
    };
    const place = (event) => {
      const box = pen.getBoundingClientRect();
      return { x: ((event.clientX - box.left) * pen.width) / box.width, y: ((event.clientY - box.top) * pen.height) / box.height };
    };
    pen.addEventListener("pointerdown", (event) => {
      pen.setPointerCapture(event.pointerId);
      last = place(event);
      line(last, last);
    });
    pen.addEventListener("pointermove", (event) => {
      if (last === null) return;
      const next = place(event);
      line(last, next);
      last = next;
    });
    for (const name of ["pointerup", "pointercancel"]) pen.addEventListener(name, () => { last = null; });
    pen.addEventListener("keydown", (event) => {
      const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
      if (event.key === " ") cursor.down = !cursor.down;
      else if (event.key in moves) {
        const [dx, dy] = moves[event.key], before = { ...cursor };
        cursor.x = Math.min(pen.width, Math.max(0, cursor.x + dx * scale));
        cursor.y = Math.min(pen.height, Math.max(0, cursor.y + dy * scale));
        if (cursor.down) line(before, cursor);
      } else return;
      event.preventDefault();
    });
    clear.addEventListener("click", () => {
      latest++;
      start();
      result.replaceChildren(note("Draw something."));
      at("time").textContent = "";
      preview.getContext("2d").clearRect(0, 0, w, h);
    });
    fit.addEventListener("change", () => send());
    send = () => { shrink(pen, preview, fit.checked); upload(preview); };
    boards.append(make("figure", {}, pen, make("figcaption", { textContent: "draw here, white on black" })));
    const label = make("label", { htmlFor: "fit" }, fit, " center and scale as in MNIST");
    form.append(make("div", { className: "row" }, clear, label));
  }

  // The drawing in the size of the network. MNIST has digits of 20 pixels in a square of 28, centered by their mass.
  function shrink(pen, preview, fits) {
    const { width, height } = pen, data = pen.getContext("2d").getImageData(0, 0, width, height).data;
    let left = width, right = -1, top = height, bottom = -1, mass = 0, mx = 0, my = 0;
    for (let y = 0; y < height; y++) for (let x = 0; x < width; x++) {
      const value = data[4 * (y * width + x)];
      if (value < 64) continue;
      left = Math.min(left, x); right = Math.max(right, x);
      top = Math.min(top, y); bottom = Math.max(bottom, y);
      mass += value; mx += value * x; my += value * y;
    }
    const context = preview.getContext("2d"), w = preview.width, h = preview.height;
    context.fillStyle = "#000";
    context.fillRect(0, 0, w, h);
    if (right < 0) return;
    if (!fits) { smooth(context, pen, 0, 0, width, height, 0, 0, w, h); return; }
    const boxW = right - left + 1, boxH = bottom - top + 1, scale = (Math.min(w, h) * 20 / 28) / Math.max(boxW, boxH);
    const inside = (start, length, size) => Math.max(0, Math.min(start, size - length));
    const x = inside(w / 2 - (mx / mass - left) * scale, boxW * scale, w);
    const y = inside(h / 2 - (my / mass - top) * scale, boxH * scale, h);
    smooth(context, pen, left, top, boxW, boxH, x, y, boxW * scale, boxH * scale);
  }

  // Halved until it is nearly small enough: browsers look at four pixels only, however many there are.
  function smooth(context, source, sx, sy, sw, sh, x, y, w, h) {
    let current = source, area = [sx, sy, sw, sh];
    while (area[2] > 2 * w && area[3] > 2 * h) {
      const half = make("canvas", { width: Math.ceil(area[2] / 2), height: Math.ceil(area[3] / 2) });
      half.getContext("2d").drawImage(current, ...area, 0, 0, half.width, half.height);
      [current, area] = [half, [0, 0, half.width, half.height]];
    }
    context.drawImage(current, ...area, x, y, w, h);
  }

  function upload(canvas) {
    canvas.toBlob((blob) => predict(blob, "image/png", "--data-binary @image.png"), "image/png");
  }

  function dropping(preview, h, w) {
    files("image", "or drop, paste or choose a picture: ", async (picture) => {
      try {
        const bitmap = await createImageBitmap(picture);
        preview.getContext("2d").drawImage(bitmap, 0, 0, w, h);
      } catch { /* the server knows more formats than the browser, or says what is wrong */ }
      predict(picture, picture.type.startsWith("image/") ? picture.type : "application/octet-stream", "--data-binary @picture");
    });
  }

  function soundForm({ rate, seconds }) {
    const about = `drop, paste or choose a sound; the network reads its first ${number(seconds, 3)} s at ${rate} Hz: `;
    files("audio", about, (sound) => predict(sound, sound.type.startsWith("audio/") ? sound.type : "application/octet-stream",
      "--data-binary @sound.wav"));
  }

  // A place for a file of one kind, which `use` gets.
  function files(kind, text, use) {
    const file = make("input", { type: "file", accept: `${kind}/*`, id: "file" });
    const area = make("div", { className: "drop" }, make("label", { htmlFor: "file", textContent: text }), file);
    const take = (chosen) => { if (chosen) use(chosen); };
    file.addEventListener("change", () => take(file.files[0]));
    for (const name of ["dragover", "dragleave", "drop"]) {
      document.addEventListener(name, (event) => {
        event.preventDefault();
        area.classList.toggle("over", name === "dragover");
        if (name === "drop") take(event.dataTransfer.files[0]);
      }, { signal: leaving.signal });
    }
    document.addEventListener("paste", (event) => take(event.clipboardData.files[0]), { signal: leaving.signal });
    form.append(area);
  }

  // ---------------------------------------------------------------- rows, texts, numbers

  function rowForm(columns) {
    const fields = make("div", { className: "fields" });
    const inputs = columns.map((column, i) => {
      const field = input(column, `column-${i}`);
      fields.append(make("label", { htmlFor: field.id }, column.name, field, make("small", { textContent: hint(column) })));
      return field;
    });
    send = () => sendJson([Object.fromEntries(columns.map((column, i) => [column.name, cell(column, inputs[i].value)]))]);
    form.append(fields, submit());
  }

  function input(column, id) {
    if (column.kind === "category") {
      const options = column.values.map((value) => make("option", { value, textContent: shownName(value) }));
      return make("select", { id }, ...options);
    }
    const value = column.mean === undefined ? "" : String(+column.mean.toPrecision(3));
    return make("input", { id, type: "text", value, inputMode: column.kind === "number" ? "decimal" : "text" });
  }

  function hint(column) {
    if (column.mean !== undefined) return `training: ${number(column.mean, 3)} ± ${number(column.std, 3)}`;
    if (column.kind === "date") return column.format;
    if (column.kind === "set") return `some of ${column.values.slice(0, 5).join(column.separator)}`;
    return column.kind === "number" ? "a number" : "";
  }

  function cell(column, text) {
    if (text.trim() === "" && column.kind === "number") return null;
    return column.kind === "number" && Number.isFinite(Number(text)) ? Number(text) : text;
  }

  const submit = () => make("div", { className: "row" }, make("button", { className: "main", textContent: "predict" }));

  function textForm({ unit, length }) {
    const area = make("textarea", { id: "text" });
    form.append(make("label", { htmlFor: "text", textContent: `a text; the network reads its last ${length} ${unit}s` }), area, submit());
    send = () => sendJson([area.value]);
  }

  function numbersForm(inputs) {
    const area = make("textarea", { id: "numbers", spellcheck: false });
    const shapes = inputs.map((one) => `${one.name}: ${one.shape.slice(1).map((n) => (n < 0 ? "?" : n)).join(" x ") || "a number"}`);
    const zeros = ([size, ...rest]) => (size === undefined ? 0 : Array.from({ length: Math.max(size, 1) }, () => zeros(rest)));
    const example = inputs.map((one) => [one.name, [zeros(one.shape.slice(1))]]);
    area.value = JSON.stringify(inputs.length > 1 ? Object.fromEntries(example) : example[0][1]).slice(0, 20000);
    form.append(make("label", { htmlFor: "numbers", textContent: `numbers as JSON, examples first (${shapes.join(", ")})` }), area, submit());
    send = () => {
      try {
        sendJson(JSON.parse(area.value));
      } catch (error) {
        result.replaceChildren(make("p", { className: "error", textContent: `not JSON: ${error.message}` }));
      }
    };
  }

  // ---------------------------------------------------------------- the page

  let leaving = new AbortController();

  function show(chosen) {
    leaving.abort(); // what listens for pictures of the model before
    leaving = new AbortController();
    model = chosen;
    latest++;
    form.replaceChildren();
    result.replaceChildren(note(`Give ${{ image: "an image", sound: "a sound" }[model.takes] || "an input"} to see what ${model.name} predicts.`));
    at("time").textContent = "";
    at("call").hidden = true;
    at("about").textContent = `${model.name}, version ${model.version}`;
    if (model.takes === "image") imageForm(model.image);
    else if (model.takes === "sound") soundForm(model.sound);
    else if (model.takes === "row") rowForm(model.columns);
    else if (model.takes === "text") textForm(model.text);
    else numbersForm(model.inputs);
  }

  form.addEventListener("submit", (event) => { event.preventDefault(); send(); });

  fetch("/models").then((response) => response.json()).then(({ models }) => {
    const chooser = at("model");
    chooser.append(...models.map((one, i) => make("option", { value: String(i), textContent: one.name })));
    chooser.addEventListener("change", () => show(models[Number(chooser.value)]));
    at("chooser").hidden = models.length < 2;
    show(models[0]);
  }).catch(() => { result.replaceChildren(make("p", { className: "error", textContent: "the server does not respond" })); });
})();
