"""The distributions and intervals of predicted numbers.

Input: what a network gives for an output, in the units of the targets. Output: `Described`: its points, intervals and
quantiles.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.rows import Forecast
from netspec.language.diagnostics import Diagnostic, fail
from netspec.language.values import to_source
from netspec.spec.compilation import Compilation
from netspec.training.control.conformal import Conformal, find_bounds, percent
from netspec.training.errors.intervals import CrossedQuantiles, NoIntervals, NoSuchLevel
from netspec.training.losses import Loss, loss_for
from netspec.training.losses.distributions import Distribution, Gaussian, Quantile, ordered
from netspec.training.recipe.intervals import other_level


@dataclass(frozen=True)
class Intervals:
    """Which intervals an output has: those of its loss, of the usual `level`, or calibrated ones, which have `margins`
    for each target; `level` is None where only others can be asked for."""

    loss: Loss | None
    level: float | None
    margins: tuple[float, ...] | None = None

    def check_level(self, level: float) -> None:
        """Raises CompileError where there is no interval of this level (NS651, NS652)."""
        checked_level(level)
        if self.margins is not None:
            known = self.level if self.level is not None else level
            if abs(known - level) > 1e-9:
                raise fail(NoSuchLevel(case="conformal", level=percent(level), known=percent(known)))
        elif not isinstance(self.loss, Distribution):
            raise fail(NoIntervals(case="point"))
        elif self.loss.usual_level is None:
            raise fail(NoIntervals(case="single", loss=self.loss.to_source()))
        elif wrong := other_level(self.loss, level):
            raise fail(wrong)

    def of(self, outputs: Any) -> Described:
        """Those of some examples, from what the network gives for them in the units of the targets."""
        numbers = outputs
        if isinstance(self.loss, Distribution):
            # What is restored has parameters instead of logits; only counts have not.
            is_restored = self.loss.output_kind == "distribution"
            numbers = split_parts(outputs, self.loss) if is_restored else self.loss.parameters(outputs)
        return Described(self, numbers)


@dataclass(frozen=True)
class Described:
    """The distributions that are predicted for some examples: `numbers` are parameters (… x targets x parts), or points
    (… x targets) of a loss that predicts no distribution."""

    intervals: Intervals
    numbers: Any

    @property
    def points(self) -> Any:
        """A number for each target: … x targets."""
        loss = self.intervals.loss
        return loss.point(self.numbers) if isinstance(loss, Distribution) else self.numbers

    def bounds(self, level: float | None = None) -> tuple[Any, Any] | None:
        """The ends of the intervals, each … x targets; None where there are none.

        Args:
            level: None: the usual one.

        Raises:
            CompileError: there is no interval of this level (NS651, NS652).
        """
        if level is not None:
            self.intervals.check_level(level)
        margins = self.intervals.margins
        chosen = self.intervals.level if level is None else level
        return find_bounds(self.intervals.loss, self.numbers, chosen, None if margins is None else np.array(margins))

    @property
    def parameters(self) -> dict[str, Any]:
        """What else describes the distributions, by name: `quantiles` (… x targets x quantiles) or `std`."""
        loss = self.intervals.loss
        if isinstance(loss, Quantile):
            return {"quantiles": ordered(self.numbers)}
        return {"std": self.numbers[..., 1]} if isinstance(loss, Gaussian) else {}

    def shown(self, index: int, level: float | None) -> dict[str, Any]:
        """What is shown of an example beside its points, as plain values."""
        loss, found = self.intervals.loss, dict[str, Any]()
        one = Described(self.intervals, self.numbers[index])
        ends = one.bounds(level)
        if ends is not None:
            low, high = (end.tolist() for end in ends)
            found["interval"] = {"level": level or self.intervals.level, "low": low, "high": high}
        parameters = one.parameters
        if isinstance(loss, Quantile):
            each = np.moveaxis(parameters["quantiles"], -1, 0).tolist()
            found["quantiles"] = {to_source(q): numbers for q, numbers in zip(loss.levels, each, strict=True)}
        elif parameters:
            found["std"] = parameters["std"].tolist()
        return found

    def crossed(self, noun: str) -> list[Diagnostic]:
        """The warning about quantiles that are not in ascending order as the network gives them."""
        if not isinstance(self.intervals.loss, Quantile):
            return []
        falls = (np.diff(self.numbers, axis=-1) < 0).reshape(len(self.numbers), -1).any(axis=1)
        count = int(falls.sum())
        return [CrossedQuantiles(count=count, total=len(falls), noun=noun)] if count else []


def parsed_level(text: str) -> float:
    """A level as it is typed: `90%` or `0.9`.

    Raises:
        CompileError: it is not between 0 and 1 (NS652).
    """
    try:
        level = float(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except ValueError:
        level = math.nan
    return checked_level(level, text)


def checked_level(level: float, text: str | None = None) -> float:
    """Raises CompileError unless a level is between 0 and 1 (NS652)."""
    if not 0 < level < 1:
        raise fail(NoSuchLevel(case="range", level=f"`{text}`" if text is not None else str(level)))
    return level


def split_parts(outputs: Any, loss: Distribution) -> Any:
    """Restored outputs as parameters: … x targets x parts."""
    return outputs.reshape(*outputs.shape[:-1], -1, loss.parts)


def intervals_of(spec: Compilation, preprocessing: Preprocessing, names: Mapping[str, Any]) -> dict[str, Intervals]:
    """Which intervals the outputs of these names have; those that predict no distribution and have none are left
    out."""
    setting, found = spec.train.interval, dict[str, Intervals]()
    for name in names:
        loss, margins = loss_for(name, spec.train.loss), preprocessing.margins.get(name)
        if margins is not None and isinstance(setting, Conformal):
            found[name] = Intervals(loss, setting.level, margins)
        elif isinstance(loss, Distribution):
            level = setting if isinstance(setting, float) and loss.usual_level is not None else loss.usual_level
            found[name] = Intervals(loss, level)
    return found


ENDS = ("low", "high")
"""The names of the ends of an interval."""


def with_times(shown: dict[str, Any], forecast: Forecast) -> dict[str, Any]:
    """The numbers of a forecast with their times: `forecast` has a row for each, with the columns by name."""
    if "values" not in shown:
        return {**shown, "time": forecast.times[0]} if len(forecast.times) == 1 else shown
    rows = np.asarray(shown["values"]).reshape(len(forecast.times), -1).tolist()
    if any(len(row) != len(forecast.targets) for row in rows):
        return shown
    series = {} if forecast.series is None else {"series": forecast.series}
    ends = {end: np.asarray(shown["interval"][end]).reshape(len(rows), -1) for end in ENDS if "interval" in shown}
    forecasts = []
    for step, (time, row) in enumerate(zip(forecast.times, rows, strict=True)):
        cells: dict[str, Any] = {"time": time}
        for column, (name, number) in enumerate(zip(forecast.targets, row, strict=True)):
            cells |= {name: number, **{f"{name}_{end}": float(part[step, column]) for end, part in ends.items()}}
        forecasts.append(cells)
    return {**shown, **series, "forecast": forecasts}
