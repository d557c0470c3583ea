"""What may differ between a run and its continuation: `epochs`, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.language.diagnostics import Diagnostic
from netspec.storage.errors import LongerSchedule
from netspec.training.recipe.recipe import Recipe
from netspec.training.schedules import build_schedule

LOOKS = 64
"""At how many steps two courses of the learning rate are compared."""


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What differs between the recipes of a run and its continuation, in words; empty when nothing does."""
    old, new = before["recipe"], now["recipe"]
    found = [
        f"`{key}` was {old.get(key)} and is {new.get(key)}"
        for key in dict.fromkeys([*old, *new])
        if key != "epochs" and old.get(key) != new.get(key)
    ]
    if before["examples"] != now["examples"]:
        found.append(f"there were {before['examples']} training examples and are {now['examples']}")
    return "; ".join(found)


def longer_schedule(recipe: Recipe, steps_per_epoch: int, before: int) -> list[Diagnostic]:
    """A warning when another number of epochs (`before`: that of the run so far) changes the rates of its steps."""
    steps = min(before, recipe.epochs) * steps_per_epoch
    looks = range(0, steps, max(1, steps // LOOKS))
    courses = [build_schedule(recipe.schedule, steps_per_epoch, n * steps_per_epoch) for n in (before, recipe.epochs)]
    if before == recipe.epochs or all(abs(courses[0](i) - courses[1](i)) < 1e-6 for i in looks):
        return []
    words = " -> ".join(word.to_source() for word in recipe.schedule)
    return [LongerSchedule(schedule=words, before=before, now=recipe.epochs)]
