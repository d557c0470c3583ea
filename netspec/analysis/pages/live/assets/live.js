"use strict";
(() => {
  const HIDDEN_SECONDS = 20, LOST_SECONDS = 3;
  // The page as it was served, without what scripts and readers have changed since then, which stays as it is.
  let served = document.body.cloneNode(true), version = document.getElementById("live").dataset.version;

  // Make the same changes to `live` that lead from `before` to `after`; elements that stay keep their state.
  const patch = (live, before, after) => {
    if (before.isEqualNode(after)) return;
    if (live.nodeName !== after.nodeName || before.nodeName !== after.nodeName) {
      live.replaceWith(document.importNode(after, true));
      return;
    }
    if (live.nodeType !== Node.ELEMENT_NODE) {
      live.data = after.data;
      return;
    }
    for (const { name } of [...before.attributes]) if (!after.hasAttribute(name)) live.removeAttribute(name);
    for (const { name, value } of after.attributes) {
      if (before.getAttribute(name) !== value) live.setAttribute(name, value);
    }
    const now = [...live.childNodes], old = [...before.childNodes], next = [...after.childNodes];
    if (now.length !== old.length) {
      live.replaceChildren(...next.map((one) => document.importNode(one, true)));
      return;
    }
    next.forEach((one, i) => {
      if (i < old.length) patch(now[i], old[i], one);
      else live.append(document.importNode(one, true));
    });
    now.slice(next.length).forEach((one) => one.remove());
  };
  const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body;
  const replace = (id, after) => {
    const before = served.querySelector(`#${CSS.escape(id)}`), live = document.getElementById(id);
    if (!before || !live) return;
    patch(live, before, after);
    before.replaceWith(document.importNode(after, true));
  };

  // What is above the middle of the window may become higher: what is read stays where it is.
  const steadily = (change) => {
    const sections = [...document.querySelectorAll("main > section")];
    const read = sections.find((one) => one.getBoundingClientRect().bottom > 0);
    const before = read && scrollY > 0 ? read.getBoundingClientRect().top : null;
    change();
    if (before !== null && read.isConnected) {
      scrollBy({ top: read.getBoundingClientRect().top - before, behavior: "instant" });
    }
    dispatchEvent(new Event("resize"));
  };

  const lost = document.getElementById("live-lost");
  let source = null, timer = 0, silence = 0;
  const connect = () => {
    clearTimeout(timer);
    if (source) source.close();
    source = new EventSource(`/events${location.search}&since=${encodeURIComponent(version)}`);
    source.onopen = () => {
      clearTimeout(silence);
      silence = 0;
      lost.hidden = true;
      // A browser opens few connections to a server: a tab that nobody sees gives its own back.
      if (document.hidden) timer = setTimeout(rest, 1000);
    };
    source.onerror = () => {
      silence ||= setTimeout(() => { lost.hidden = false; }, 1000 * LOST_SECONDS);
      if (source.readyState === EventSource.CLOSED) timer = setTimeout(connect, 1000 * LOST_SECONDS);
    };
    const on = (event, apply) => source.addEventListener(event, (message) => {
      apply(JSON.parse(message.data));
      version = message.lastEventId;
    });
    on("section", ({ key, html }) => steadily(() => replace(key, parsed(html).firstElementChild)));
    on("status", ({ html, title }) => {
      document.title = title;
      const after = served.querySelector("#live-status").cloneNode(false);
      after.append(...parsed(html).childNodes);
      replace("live-status", after);
    });
    on("page", ({ html, title }) => steadily(() => {
      const after = parsed(html);
      patch(document.body, served, after);
      served = after;
      document.title = title;
    }));
  };
  const rest = () => {
    source.close();
    timer = setTimeout(connect, 1000 * HIDDEN_SECONDS);
  };
  document.addEventListener("DOMContentLoaded", () => {
    // When this script runs, the browser has not read what follows it.
    const later = [...document.body.childNodes].slice(served.childNodes.length);
    served.append(...later.map((one) => one.cloneNode(true)));
    document.addEventListener("visibilitychange", connect);
    connect();
  });
})();
