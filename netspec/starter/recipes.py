"""How large a network is and how it is trained, by the number of examples and features and by the goal alone.

The numbers were tuned on tables that come with scikit-learn and on made ones: `benchmarks/new.py` measures them against
tuned linear models and trees.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil

from netspec.starter.draft import Goal

FEW_ROWS = 600
"""With fewer rows networks are smaller, and their weights decay more."""

FEW_FOR_FEATURES, MANY_FOR_FEATURES = 5, 25
"""Rows for each feature below which weights decay most, and from which on they decay less."""

SMALL_ROWS = 2000
"""With fewer rows none are held out for validation: all of them train, and the schedule ends the training."""


@dataclass(frozen=True)
class Recipe:
    """A network of `layers` hidden layers, and its training. `val` is the validation split, "" for none;
    `smoothing` that of the labels of classes."""

    width: int
    layers: int
    dropout: float
    rate: str
    decay: str
    epochs: int
    batch: int
    val: str = ""
    smoothing: str = ""


def table_recipe(rows: int, features: int, goal: Goal, *, is_classes: bool) -> Recipe:
    """For examples that are vectors: dense layers, with a strong weight decay where rows are few."""
    if rows < FEW_ROWS and is_classes and rows >= MANY_FOR_FEATURES * features:
        recipe = Recipe(32, 1, 0.1, "1e-2", "0.3", _epochs(1500, rows, 32), 32, smoothing="0.1")
    elif rows < FEW_ROWS:
        decay = "1" if rows >= FEW_FOR_FEATURES * features else "3"
        recipe = Recipe(32, 1, 0.1, "3e-3", decay, _epochs(1500, rows, 32), 32)
    elif rows < SMALL_ROWS:
        recipe = Recipe(64, 1, 0.1, "3e-3", "0.3", _epochs(3000, rows, 32), 32)
    else:
        recipe = Recipe(128, 2, 0.1, "2e-3", "0.1", _epochs(6000, rows, 128, most=100), 128, "10%")
    return _for_goal(recipe, goal)


def image_recipe(examples: int, goal: Goal) -> Recipe:
    """For images: convolutions, of `width` filters in the first block."""
    batch = 32 if examples < 10_000 else 128
    epochs = _epochs(2000, examples, batch, least=10, most=60)
    return _for_goal(Recipe(32, 2, 0.3, "2e-3", "1e-2", epochs, batch, "10%"), goal)


def sequence_recipe(examples: int, goal: Goal) -> Recipe:
    """For texts and for series of steps."""
    batch = 32 if examples < 10_000 else 64
    return _for_goal(
        Recipe(48, 1, 0.3, "3e-3", "1e-2", _epochs(1500, examples, batch, least=6, most=40), batch, "10%"), goal
    )


def language_recipe(examples: int, goal: Goal) -> Recipe:
    """For language models of characters."""
    return _for_goal(
        Recipe(256, 2, 0.2, "3e-3", "1e-2", _epochs(2000, examples, 32, least=5, most=40), 32, "10%"), goal
    )


def series_recipe(examples: int, goal: Goal) -> Recipe:
    """For forecasts."""
    return _for_goal(Recipe(32, 1, 0.0, "3e-3", "1", _epochs(1500, examples, 64, least=15, most=100), 64), goal)


def _epochs(steps: int, examples: int, batch: int, *, least: int = 20, most: int = 500) -> int:
    """The epochs that take about a number of steps."""
    return max(least, min(most, round(steps / ceil(max(1, examples) / batch))))


def _for_goal(recipe: Recipe, goal: Goal) -> Recipe:
    if goal == "small":
        return replace(recipe, width=max(8, recipe.width // 4), layers=1)
    if goal == "fast":
        return replace(recipe, width=max(8, recipe.width // 2), layers=1, epochs=max(5, recipe.epochs // 3))
    return recipe
