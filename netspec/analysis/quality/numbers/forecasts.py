"""How far forecasts over series are from their targets: by step ahead, by series, and over time.

Input: the predictions of windows, and forecasts without a network. Output: `Forecasts`, one for each target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from netspec.data.dataset.lazy_rows import Array
from netspec.data.dataset.order import Order

NETWORK = "network"
"""The forecasts of the network, beside those that need none."""


@dataclass(frozen=True, eq=False)
class Forecasts:
    """The forecasts of a target in some windows.

    `expected` has the targets, windows x steps, and `made` by name the forecasts, that of the network first, all in
    the units of the target. `order` says which rows the windows hold; `examples` are their numbers in the split.
    """

    target: str
    expected: Array
    made: Mapping[str, Array]
    order: Order
    examples: Array

    @classmethod
    def of(
        cls, order: Order, examples: Array, expected: Array, predicted: Array, baselines: Mapping[str, Array]
    ) -> Iterator[Forecasts]:
        """Those of each target.

        Args:
            order: which rows the windows hold.
            examples: the numbers of the windows in the split.
            expected, predicted: numbers in any shape, windows first, then steps, then targets.
            baselines: forecasts without the network, in such shapes.
        """
        names = order.timeline.targets
        every = {NETWORK: predicted, **baselines}
        for column, target in enumerate(names):
            true, *made = (
                np.asarray(part, np.float64).reshape(len(examples), -1, len(names))[..., column]
                for part in (expected, *every.values())
            )
            yield cls(target, true, dict(zip(every, made, strict=True)), order, examples)

    @property
    def steps(self) -> int:
        return int(self.expected.shape[1])

    def errors(self, name: str = NETWORK) -> Array:
        """The absolute errors, windows x steps."""
        found: Array = np.abs(self.made[name] - self.expected)
        return found

    def mae(self) -> dict[str, float]:
        """The mean absolute error of each forecast."""
        return {name: float(self.errors(name).mean()) for name in self.made}

    def by_step(self) -> dict[str, Array]:
        """The mean absolute error of each step ahead, by forecast."""
        return {name: self.errors(name).mean(axis=0) for name in self.made}

    def times(self, steps: int | None = None) -> Array:
        """The times of the rows that are forecast, windows x steps, or of the first ones of them."""
        at = self.order.timeline.at
        found: Array = at.astype(np.float64)[
            self.order.target[:, None] + np.arange(self.steps if steps is None else steps)
        ]
        return found

    def take(self, windows: Array) -> Forecasts:
        """Some of the windows."""
        made = {name: values[windows] for name, values in self.made.items()}
        return Forecasts(self.target, self.expected[windows], made, self.order.take(windows), self.examples[windows])

    def by_series(self) -> dict[str, Forecasts]:
        """Those of each series, the largest mean absolute error of the network first."""
        names, series = self.order.timeline.names, self.order.series
        found = {names[number]: self.take(np.flatnonzero(series == number)) for number in np.unique(series)}
        return dict(sorted(found.items(), key=lambda item: -item[1].mae()[NETWORK]))

    def ranked(self) -> Array:
        """The windows, the largest mean absolute error of the network first."""
        found: Array = np.argsort(-self.errors().mean(axis=1), kind="stable")
        return found

    def over_time(self, bins: int) -> tuple[Array, dict[str, Array]]:
        """The mean absolute error of windows that follow each other, in at most `bins` groups of the same size: the
        middle of the times of each group, and the errors by forecast."""
        first = self.times(1)[:, 0]
        groups = np.array_split(np.argsort(first, kind="stable"), min(bins, len(first)))
        middle = np.array([(first[group].min() + first[group].max()) / 2 for group in groups])
        errors = {name: self.errors(name).mean(axis=1) for name in self.made}
        return middle, {name: np.array([part[group].mean() for group in groups]) for name, part in errors.items()}

    def chained(self, rows: int) -> Array:
        """The windows of one series whose forecasts follow each other without an overlap, up to the last window; their
        steps are at most `rows` together, unless a single window has more."""
        target = self.order.target
        chosen = [int(target.argmax())]
        while (len(chosen) + 1) * self.steps <= rows:
            earlier = np.flatnonzero(target <= target[chosen[-1]] - self.steps)
            if not len(earlier):
                break
            chosen.append(int(earlier[target[earlier].argmax()]))
        return np.array(chosen[::-1])
