// A film of frames of which one is visible: a slider, a button that plays, and the keys of both.
const frames = [...document.querySelectorAll("#film > g")];
const slider = document.getElementById("frame"), button = document.getElementById("play");
let timer = null;

function show(number) {
    frames.forEach((frame, i) => { frame.style.visibility = i === number ? "visible" : "hidden"; });
    slider.value = number;
    slider.setAttribute("aria-valuetext", frames[number].querySelector("text").textContent);
}

function pause() {
    clearInterval(timer);
    timer = null;
    button.textContent = "play";
}

function play() {
    if (Number(slider.value) === frames.length - 1) show(0);
    button.textContent = "pause";
    timer = setInterval(() => {
        const next = Number(slider.value) + 1;
        if (next < frames.length) show(next);
        if (next >= frames.length - 1) pause();
    }, 160);
}

button.addEventListener("click", () => (timer === null ? play() : pause()));
slider.addEventListener("input", () => { pause(); show(Number(slider.value)); });
document.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (event.target === slider || event.target === button) return; // they have keys of their own
    if (event.key === " ") button.click();
    else if (step !== undefined) {
        pause();
        show(Math.min(Math.max(Number(slider.value) + step, 0), frames.length - 1));
    } else return;
    event.preventDefault();
});
show(frames.length - 1);
if (!matchMedia("(prefers-reduced-motion: reduce)").matches) play();
