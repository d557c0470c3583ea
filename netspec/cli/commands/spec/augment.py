"""`netspec augment`"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.files import write_bytes
from netspec.cli.options import SpecOptions, json_option, spec_options
from netspec.cli.output import print_problems, print_result
from netspec.cli.render.picture import new_picture, picture_bytes, picture_format
from netspec.data.augmentations import is_image
from netspec.data.dataset.dataset import Target
from netspec.data.dataset.lazy_rows import read_all
from netspec.data.errors.augmentation import NothingToShow
from netspec.display.text import line_width
from netspec.language.diagnostics import fail
from netspec.language.kinds import MAX_SEED
from netspec.language.lazy import np
from netspec.language.text import wrap_lines
from netspec.spec.network_ends import input_shapes

if TYPE_CHECKING:
    from netspec.spec.compilation import Compilation
    from netspec.spec.experiment import SpecExperiment

EXAMPLES = 16
ACROSS = 4
"""Examples in a row of the sheet; each is two pictures."""

SHARES = 2
"""Classes that are named of a mixed example: those with the largest shares."""


@dataclass(frozen=True)
class Example:
    """A training example, and as the network sees it in a step: images (H x W x C, from 0 to 1) and what they show."""

    index: int
    before: Any
    after: Any
    target: tuple[str, ...]
    target_after: tuple[str, ...]


@click.command()
@click.argument("file")
@click.option("-o", "--output", metavar="PICTURE", help="The picture to write: .png, .pdf or .svg.")
@click.option(
    "--seed", type=click.IntRange(0, MAX_SEED), help="The seed of examples and augmentation (default: the spec's)."
)
@spec_options
@json_option
def command(file: str, output: str | None, seed: int | None, given: SpecOptions, as_json: bool) -> int:
    """Save a picture of sixteen training images of a spec FILE, before and after augmentation.

    \b
    Example:
        netspec augment net.net -o sheet.png
        netspec augment net.net --seed 3 -D data.augment='rotate(10) -> shift(10%)'
    """
    spec = given.compilation(file)
    path = Path(output if output is not None else f"{spec.name}_augment.png")
    form = picture_format(path)
    shown = input_to_show(spec)
    from netspec.spec.experiment import prepare

    prepared = prepare(spec)
    print_problems(prepared.warnings)
    seed = prepared.recipe.seed if seed is None else seed
    examples = vary(prepared, shown, seed)
    chain = " ".join(spec.setting_spans("data")["augment"].text.split())
    write_bytes(path, draw(examples, f"{spec.name}: {chain}", form))
    records = [{"example": e.index, "target": [*e.target], "after": [*e.target_after]} for e in examples]
    record = {"picture": str(path), "augment": chain, "seed": seed, "examples": records}
    text = f"{path}: {len(examples)} training examples before and after {chain}"
    print_result(record if as_json else wrap_lines(text, line_width()))
    return 0


def input_to_show(spec: Compilation) -> str:
    """The name of the first input that is an image.

    Raises:
        CompileError: the spec has mistakes, or varies nothing that can be shown.
    """
    spec.check()
    if not spec.data.augment:
        raise fail(NothingToShow())
    shapes = input_shapes(spec.optimized)
    for name, shape in shapes.items():
        if is_image(shape):
            return name
    name, shape = next(iter(shapes.items()))
    raise fail(NothingToShow(case="input", name=name, shape=f"{shape.kind} ({shape})"))


# ---------------------------------------------------------------- examples


def vary(prepared: SpecExperiment, shown: str, seed: int) -> list[Example]:
    """Training examples of all classes, and the same as the first step of a run with this seed would vary them; `shown`
    is the input that is looked at."""
    from netspec.training.augment.pipeline import Augmenter, measure_pixels
    from netspec.training.feed.device_data import put_split
    from netspec.training.feed.placement import Placement

    augmenter, splits = prepared.augment, prepared.splits
    assert isinstance(augmenter, Augmenter)
    names = list(input_shapes(prepared.compilation.optimized))
    chosen = choose({name: read_all(y) for name, y in splits.train.targets.items()}, len(splits.train), seed)
    batch = put_split(splits.train.take(chosen), prepared.recipe, names, Placement())
    inputs, targets = replace(augmenter, seed=seed)(0, *batch.arrays)
    pixels = measure_pixels(splits.train.inputs[shown], splits.normalization.get(shown))
    before, after = (np.clip(pixels.from_input(x[names.index(shown)]), 0, 1) for x in (batch.inputs, inputs))
    labels = label_texts(batch.targets, splits.facts.targets)
    labels_after = label_texts(targets, splits.facts.targets)
    columns: tuple[Iterable[Any], ...] = (chosen.tolist(), before, after, labels, labels_after)
    return [Example(*row) for row in zip(*columns, strict=True)]


def choose(targets: Mapping[str, Any], count: int, seed: int) -> Any:
    """The indices of a few examples, drawn with the seed: as many of each class as of any other, in their order."""
    order = np.random.default_rng(seed).permutation(count)
    labels = next((y[order] for y in targets.values() if y.ndim == 1 and np.issubdtype(y.dtype, np.integer)), None)
    if labels is None:
        return order[:EXAMPLES]
    seen = np.zeros(len(order), np.int64)
    for label in np.unique(labels):
        mine = labels == label
        seen[mine] = np.arange(mine.sum())
    chosen = np.argsort(seen, kind="stable")[:EXAMPLES]
    return order[chosen[np.argsort(labels[chosen], kind="stable")]]


def label_texts(targets: Mapping[str, Any], facts: Mapping[str, Target]) -> list[tuple[str, ...]]:
    """What each example is, in a few words: `7`, or `7 80%` and `3 20%` for one that is mixed."""
    columns = [list(_texts(np.asarray(y), facts.get(name))) for name, y in targets.items()]
    return [sum(row, ()) for row in zip(*columns, strict=True)]


def _texts(values: Any, target: Target | None) -> Iterator[tuple[str, ...]]:
    """The words for one target of each example; none where there is more than one answer to it."""
    names: Sequence[str] = target.names or () if target is not None else ()
    is_class = target is not None and target.kind == "class"

    def name(k: int) -> str:
        return names[k] if k < len(names) else str(k)

    for value in values:
        if value.ndim == 0 and np.issubdtype(values.dtype, np.integer):
            yield (name(int(value)),)
        elif value.ndim == 1 and is_class:
            shares = [(float(value[k]), name(int(k))) for k in np.argsort(-value)[:SHARES] if value[k] >= 0.005]
            yield tuple(text if share > 0.995 else f"{text} {share:.0%}" for share, text in shares)
        else:
            yield (f"{value.reshape(-1)[0]:.3g}",) if value.size == 1 else ()


# ---------------------------------------------------------------- the picture


def draw(examples: Sequence[Example], title: str, form: str) -> bytes:
    """The sheet: each example before and after, side by side, with its target above."""
    lines = wrap(title, 118)
    down = -(-len(examples) // ACROSS)
    height = 1.85 * down + 0.5 + 0.2 * len(lines)
    sheet = new_picture(figsize=(2.9 * ACROSS, height), dpi=150, facecolor="white")
    sheet.text(0.02, 1 - 0.15 / height, "\n".join(lines), fontsize=11, family="monospace", va="top", linespacing=1.3)
    top = 1 - (0.55 + 0.2 * len(lines)) / height
    grid = sheet.add_gridspec(down, ACROSS, left=0.02, right=0.98, top=top, bottom=0.02, wspace=0.12, hspace=0.35)
    for place, example in enumerate(examples):
        pair = grid[place].subgridspec(1, 2, wspace=0.04)
        is_new = example.target_after != example.target
        _draw_image(sheet.add_subplot(pair[0]), example.before, example.target)
        _draw_image(sheet.add_subplot(pair[1]), example.after, example.target_after if is_new else ())
    return picture_bytes(sheet, form)


def _draw_image(axes: Any, image: Any, words: Sequence[str]) -> None:
    axes.imshow(image if image.shape[-1] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    text = "\n".join(word if len(word) <= 20 else f"{word[:13]}…{word[-6:]}" for word in words)
    axes.set_title(text, fontsize=8.5, pad=3, loc="left", linespacing=1.15)
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_color("#999999")
        side.set_linewidth(0.6)
