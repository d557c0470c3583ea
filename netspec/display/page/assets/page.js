"use strict";
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  // What is scrolled can be reached by keyboard; what needs a script is shown where there is one.
  const mark = () => {
    all("button[data-copy]").forEach((one) => { one.hidden = false; });
    for (const one of all(".scroll, .drawing, pre")) {
      const scrolls = one.scrollWidth > one.clientWidth + 1 || one.scrollHeight > one.clientHeight + 1;
      if (scrolls) one.tabIndex = 0;
      else one.removeAttribute("tabindex");
      if (one.nextElementSibling?.matches("[data-scrolls]")) one.nextElementSibling.hidden = !scrolls;
    }
  };
  mark();
  addEventListener("resize", mark);
  addEventListener("toggle", mark, true);
  // The link of the section that is read.
  const current = () => {
    const links = all("nav a"), keys = links.map((link) => link.getAttribute("href").slice(1));
    const last = keys.findLast((key) => document.getElementById(key)?.getBoundingClientRect().top < innerHeight / 3);
    links.forEach((link, index) => {
      if (keys[index] === last) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
    });
  };
  current();
  addEventListener("scroll", current, { passive: true });
  addEventListener("beforeprint", () => all("details").forEach((one) => { one.open = true; }));
  document.addEventListener("click", async ({ target }) => {
    const button = target.closest("button[data-copy]");
    if (!button) return;
    const copied = document.getElementById(button.dataset.copy), said = button.nextElementSibling;
    try {
      await navigator.clipboard.writeText(copied.textContent);
      said.textContent = "copied";
    } catch {
      getSelection().selectAllChildren(copied);
      said.textContent = "selected: press Ctrl-C";
    }
  });
})();
