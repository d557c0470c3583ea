"use strict";
(() => {
  // A count of a confusion matrix shows the examples of its cell, and hides those of the one before.
  for (const matrix of document.querySelectorAll(".confusion")) {
    const buttons = [...matrix.querySelectorAll("button[aria-controls]")];
    const show = (chosen) => {
      for (const button of buttons) {
        const isOpen = button === chosen && button.getAttribute("aria-expanded") !== "true";
        button.setAttribute("aria-expanded", String(isOpen));
        document.getElementById(button.getAttribute("aria-controls")).hidden = !isOpen;
      }
      dispatchEvent(new Event("resize"));  // what is shown now may have to be scrolled
    };
    for (const button of buttons) button.addEventListener("click", () => show(button));
    matrix.addEventListener("keydown", (event) => {
      if (event.key === "Escape") show(null);
    });
  }
})();
