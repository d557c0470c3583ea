"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  // What is scrolled can be reached by keyboard.
  const mark = () => {
    for (const one of all(".scroll, .drawing, pre")) {
      const scrolls = one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1;
      if (scrolls) one.tabIndex = 0;
      else one.removeAttribute("tabindex");
    }
  };
  mark();
  addEventListener("resize", mark);
  addEventListener("toggle", mark, true);
  // The link of the section that is read.
  const links = new Map(all("nav a").map((link) => [link.getAttribute("href").slice(1), link]));
  const current = () => {
    let last = null;
    for (const key of links.keys()) {
      const section = document.getElementById(key);
      if (section && section.getBoundingClientRect().top < innerHeight / 3) last = key;
    }
    for (const [key, link] of links) {
      if (key === last) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    }
  };
  current();
  addEventListener("scroll", current, { passive: true });
  addEventListener("beforeprint", () => all("details").forEach((one) => { one.open = true; }));
  for (const button of all("button[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      const said = button.nextElementSibling;
      try {
        await navigator.clipboard.writeText(text);
        said.textContent = "copied";
      } catch {
        getSelection().selectAllChildren(document.getElementById(button.dataset.copy));
        said.textContent = "selected: press Ctrl-C";
      }
    });
  }
})();
