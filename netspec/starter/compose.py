"""The text of a draft: comments that say what was seen and why, the network and the sections.

Input: what was found, facts about the data, a recipe. Output: formatted text.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from netspec.compiler.syntax.formatter import format_source
from netspec.data.dataset.dataset import Facts
from netspec.language.source import Source
from netspec.starter.draft import Found, Goal, Setting
from netspec.starter.networks import head_of, network_lines
from netspec.starter.recipes import Recipe

WIDTH = 110

WHY_GOAL = {
    "accuracy": "",
    "small": "As small as is useful (--goal small); without it the network is larger and usually more accurate.",
    "fast": "A short training (--goal fast); without it the network is larger, and usually more accurate.",
}


def compose(found: Found, facts: Facts, recipe: Recipe, goal: Goal, path: Path) -> str:
    """The text of a spec that is written to a path."""
    parts = [
        *_comment(found.title),
        *_comment(WHY_GOAL[goal]),
        *(["#"] if found.findings else []),
        *(line for finding in found.findings for line in _comment(finding, first="# - ", rest="#   ")),
        "",
        *_comment(_why_network(found, facts, recipe)),
        network_lines(found, facts, recipe, goal),
        "",
        "data {",
        f"source = {found.source}",
        *_settings(_data_settings(found, facts, recipe)),
        "}",
        "",
        "train {",
        *_settings(_train_settings(found, facts, recipe)),
        "}",
    ]
    return format_source(Source(str(path), "\n".join(parts) + "\n", path))


def _comment(text: str, first: str = "# ", rest: str = "# ") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=first, subsequent_indent=rest, break_long_words=False, break_on_hyphens=False
    )


def _settings(settings: Iterable[Setting]) -> list[str]:
    """Settings, each with its reason at the end of its line."""
    return [f"{one.name} = {one.value}" + (f"  # {one.reason}" if one.reason else "") for one in settings]


def _why_network(found: Found, facts: Facts, recipe: Recipe) -> str:
    if found.kind == "series":
        return "A linear forecast from the last rows, and what the calendar of the rows ahead adds to it."
    if found.kind == "masks":
        return "A U-Net: it halves the images three times, and puts the details back from the sizes before."
    if found.kind == "language":
        return "Recurrent layers that carry what was read so far; the vocabulary is that of the training text."
    ranks = {shape.rank for shape in facts.inputs.values()}
    if 3 in ranks:
        return "Blocks of convolutions, with twice the filters at half the size; `gap` averages over the positions."
    if any(shape.is_tokens and shape.rank for shape in facts.inputs.values()):
        return "Each word has a vector; they are read in both directions where the goal is accuracy, and averaged."
    if recipe.val:
        return (
            f"Two layers of {recipe.width} units find products and thresholds of features." if recipe.layers > 1 else ""
        )
    return "One small layer: with this few rows a larger network learns the rows by heart."


def _data_settings(found: Found, facts: Facts, recipe: Recipe) -> Sequence[Setting]:
    settings = {setting.name: setting for setting in found.settings}
    if found.kind != "series":
        if recipe.val:
            settings = {"val": Setting("val", recipe.val, "chooses the best epoch"), **settings}
        if not facts.has_test:
            settings = {
                "test": Setting("test", "20%", "never trained on: how good predictions of new data are"),
                **settings,
            }
    shapes = facts.inputs.values()
    if found.kind == "steps" and any(shape.rank < 3 and not shape.is_tokens for shape in shapes):
        settings["normalize"] = Setting("normalize", "standard", "each feature to mean 0 and standard deviation 1")
    return [*settings.values()]


def _train_settings(found: Found, facts: Facts, recipe: Recipe) -> Sequence[Setting]:
    examples = facts.examples
    rows = f"{examples:,} examples" if examples else "the number of examples"
    has_val = bool(recipe.val) or found.kind == "series"
    settings = [
        Setting("epochs", str(recipe.epochs), f"by {rows}: enough steps, small ones at the end"),
        Setting("batch", str(recipe.batch)),
        Setting(
            "optimizer",
            f"{'clip(1.0) -> ' if found.kind == 'language' else ''}adamw({recipe.rate}, decay = {recipe.decay})",
            "the weight decay keeps weights small that few examples would decide" if not recipe.val else "",
        ),
        Setting("schedule", "cosine" if not has_val else "warmup(1 epochs) -> cosine"),
    ]
    if recipe.smoothing:
        (target,) = facts.targets.values()
        loss = "binary_cross_entropy" if head_of(target) == "dense(1, sigmoid)" else "cross_entropy"
        reason = "no example is learned with certainty"
        settings.append(Setting("loss", f"{loss}(smoothing = {recipe.smoothing})", reason))
    if found.is_skewed:
        settings.append(Setting("loss", "huber(2)", "errors above two standard deviations count linearly"))
    if found.kind == "masks":
        settings.append(Setting("loss", "dice(cross_entropy = 1)", "overlap counts, however small a class is"))
        settings.append(Setting("metrics", "accuracy -> iou -> dice"))
    if has_val and recipe.epochs >= 20:
        patience = max(5, recipe.epochs // 4)
        settings.append(Setting("stop", f"early(val_loss, patience = {patience})", "no longer than it helps"))
    return [*settings, *found.training]
