"""Write the gallery: `python docs/gallery` draws every spec that comes with netspec, pictures of what is inside the
networks of exercises, and the page that shows them.

The weights of these networks are in `exercises.npz`, which `python docs/gallery/train.py` writes. A test compares the
files with what this gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

import netspec
from netspec.analysis.inside.inputs import experiment_of
from netspec.analysis.inside.plane import film_of, training_points
from netspec.analysis.inside.reconstructions import pairs_svg
from netspec.display.charts.grid import Row, Tile, grid_svg
from netspec.display.drawing.draw import draw
from netspec.spec.compilation import Compilation, read_source
from netspec.storage.weights import flat_weights, put_weights, weights_of

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"

STYLES = {"lenet5": "maps", "alexnet": "maps", "alexnet_grouped": "maps", "unet": "blocks", "transformer": "blocks"}
"""Networks that are drawn as the papers draw them."""

HEAD = """# Gallery

Every network that comes with netspec, as `netspec draw` draws it; `-o NAME.html` gives a page whose blocks open and
close. The bar below a number of parameters is their fraction of all. Below the drawings are
[pictures of exercises](#exercises): what is inside trained networks, as `netspec look` shows it. `python docs/gallery`
writes them all.
"""

PAIR = ("resnet18", "resnet34")
"""Two networks that are drawn side by side."""

EXERCISES = {
    "exercise_filters_3x3": "The 16 filters of 3x3 that `specs/sdsc_cnn.net` has learned, and what each of them "
    "finds in a digit: `netspec look RUN filters` and `netspec look RUN maps conv --input digit.png`.",
    "exercise_filters_9x9": "The same with filters of 9x9, `specs/sdsc_cnn_9x9.net`: large enough to see strokes and "
    "edges in them.",
    "exercise_xor": "XOR, `specs/xor.net`: two hidden units separate what one line cannot: `netspec look RUN regions`.",
    "exercise_moons": "Two moons over the epochs of a training: `netspec look RUN regions --film`.",
    "exercise_units": "A sine wave as the sum of three logistic units, `specs/courses/three_logistic_units.net`: "
    "`netspec look RUN curve`.",
    "exercise_autoencoder": "Digits of the test split after they were compressed to 30 numbers, "
    "`specs/autoencoder.net`: `netspec look RUN reconstructions`.",
}
"""The pictures of exercises, with what is said of them."""


def files() -> Iterator[tuple[str, str]]:
    """The names and the contents of the files, the pictures before the page."""
    page = [HEAD]
    for path in sorted(SPECS.glob("*.net")):
        style = STYLES.get(path.stem, "flow")
        yield f"{path.stem}.svg", draw(Compilation(read_source(path)).network, "svg", style).decode()
        said = path.read_text(encoding="utf-8").split("\n\n")[0]
        about = " ".join(line.removeprefix("#").strip() for line in said.splitlines() if line.startswith("#"))
        options = f" --style {style}" if style != "flow" else ""
        command, picture = f"`netspec draw specs/{path.name}{options}`", f"![{path.stem}]({path.stem}.svg)"
        page.append(f"## {path.stem}\n\n{about}\n\n{command}\n\n{picture}\n")
    old, new = PAIR
    yield f"{old}_{new}.svg", netspec.draw(SPECS / f"{old}.net", SPECS / f"{new}.net").svg
    command = f"`netspec draw specs/{old}.net specs/{new}.net`"
    page.append(f"## Differences\n\nWhat {new} has more: {command}\n\n![{old}, {new}]({old}_{new}.svg)\n")
    page.append("## Exercises\n")
    for name, content in exercises():
        yield f"{name}.svg", content
        page.append(f"{EXERCISES[name]}\n\n![{name}]({name}.svg)\n")
    yield "README.md", "\n".join(page)


def exercises() -> Iterator[tuple[str, str]]:
    """The names and the pictures of the exercises, in the order of the page."""
    with np.load(HERE / "exercises.npz") as saved:
        arrays = {name: saved[name] for name in saved.files}
    yield "exercise_filters_3x3", filters_svg("sdsc_cnn", arrays)
    yield "exercise_filters_9x9", filters_svg("sdsc_cnn_9x9", arrays)
    yield "exercise_xor", netspec.look(trained(SPECS / "xor.net", part(arrays, "xor"))).regions().svg
    captions = dict.fromkeys(name.split("/")[1] for name in arrays if name.startswith("moons/"))
    history = [(caption, part(arrays, f"moons/{caption}")) for caption in captions]
    moons = trained(HERE / "moons.net", history[-1][1])
    yield "exercise_moons", film_of(moons, history, training_points(moons)).svg
    units = trained(SPECS / "courses" / "three_logistic_units.net", part(arrays, "three_logistic_units"))
    yield "exercise_units", netspec.look(units).curve().svg
    pairs = [arrays[f"autoencoder/{name}"] / 255 for name in ("input", "output")]
    yield "exercise_autoencoder", pairs_svg("autoencoder: reconstructions of 10 digits", *pairs)


def filters_svg(name: str, arrays: dict[str, np.ndarray]) -> str:
    """The filters of a convolution, a digit, and its feature maps."""
    model, digit = netspec.compile(SPECS / f"{name}.net"), arrays["digit"] / np.float32(255)
    weights = flat_weights(weights_of(model.module)) | part(arrays, name)  # those of other layers do not matter
    put_weights(model.module, weights, name)
    kernel, maps = weights["conv/kernel"], model.activations(digit, "conv")[0]
    size = f"{kernel.shape[0]}x{kernel.shape[1]}"
    rows = [
        Row(f"16 filters {size}", [Tile(kernel[:, :, 0, i], str(i + 1)) for i in range(16)], signed=True, side=96),
        Row("a digit of the test split", [Tile(digit[:, :, 0])], side=96),
        Row("what each filter finds in it", [Tile(maps[:, :, i], str(i + 1)) for i in range(16)], side=96),
    ]
    return grid_svg(f"{name}: conv", rows)


def trained(spec: Path, weights: dict[str, np.ndarray]) -> netspec.Model:
    """The model of a spec with these weights."""
    model = netspec.compile(spec)
    put_weights(model.module, weights, spec.name)
    model.preprocessing = experiment_of(model).preprocessing
    return model


def part(arrays: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    """The arrays below a name."""
    return {key.removeprefix(f"{name}/"): array for key, array in arrays.items() if key.startswith(f"{name}/")}


if __name__ == "__main__":
    for name, content in files():
        (HERE / name).write_text(content, encoding="utf-8")
