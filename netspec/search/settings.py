"""The settings of the section `tune { … }`. Its inner sections `params` and `train` hold ranges (space.py)."""

from __future__ import annotations

from typing import Any, ClassVar

from netspec.language.kinds import MAX_SEED, SEED_ALIASES, Choice, Count, Time
from netspec.language.values import Duration, Symbol
from netspec.language.vocabulary import register
from netspec.language.word import Kind, Mismatch, Word, option
from netspec.training.control.stop import MetricName

SIZES = ("params", "macs")
"""Goals that are known without training: trainable parameters, and multiply-adds per example."""

OWN_SAMPLERS = ("random", "grid")
SAMPLERS = (*OWN_SAMPLERS, "tpe", "gp", "cmaes", "nsga2")
OWN_PRUNERS = ("halving",)
PRUNERS = (*OWN_PRUNERS, "median", "hyperband")
"""Those that are not netspec's own are computed by Optuna."""


class Goals(Kind):
    """What a search is for: metrics on the validation split, and sizes of the network."""

    metric: MetricName = MetricName(("val",))

    def accept(self, value: object) -> tuple[str, ...]:
        items = value if isinstance(value, list | tuple) else [value]
        names = tuple(self._one(item, value) for item in items)
        if not names or len(set(names)) < len(names):
            raise Mismatch(self.describe(), value)
        return names

    def _one(self, item: object, whole: object) -> str:
        name = item.name if isinstance(item, Symbol) else item
        if name in SIZES:
            return str(name)
        try:
            return self.metric.accept(item)
        except Mismatch:
            raise Mismatch(self.describe(), whole) from None

    def describe(self) -> str:
        return "a metric on the validation split, `params` or `macs`, or a list such as `[val_accuracy, params]`"

    def takes_name(self, name: str) -> bool:
        return name in SIZES or self.metric.takes_name(name)

    def to_source(self, value: Any) -> str:
        names = [name if name in SIZES else self.metric.to_source(name) for name in value or ()]
        return names[0] if len(names) == 1 else f"[{', '.join(names)}]" if names else "none"

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.metric.names, *SIZES)


@register("section", "tune")
class TuneSettings(Word):
    """What `netspec tune` varies, and what it searches for.

    The inner section `params` has ranges for `param` statements, `train` those for settings of training and for
    options of its optimizer, schedule and loss: `int(1, 4)`, `int(16, 128, step = 16)`, `uniform(0, 0.5)`,
    `log(1e-4, 1e-1)`, or values to choose from, `(adam | sgd(momentum = uniform(0.5, 0.99)))`. A range inside of a
    value counts where that value is chosen, and `int(1, 4) if kind == deep else 1` where the condition holds. The hash
    of a spec does not depend on this section.

    Example: tune { trials = 60 }
    Reference: Bergstra et al. 2011, Algorithms for hyper-parameter optimization; Akiba et al. 2019, Optuna,
        arXiv:1907.10902
    """

    inner_sections: ClassVar[tuple[str, ...]] = ("params", "train")

    trials: int = option(Count(1, 100_000), "number of trials", default=50, aliases=("n_trials", "max_trials"))
    time: Duration | None = option(
        Time(("minutes", "hours", "seconds")), "when to stop before the last trial (none: never)", default=None,
        aliases=("timeout", "budget"),
    )  # fmt: skip
    goal: tuple[str, ...] | None = option(
        Goals(),
        "what is best: one goal, or several for a Pareto front (none: the metric that `keep` compares)",
        default=None,
        aliases=("objective", "metric"),
    )
    sampler: str | None = option(
        Choice(SAMPLERS),
        "how values are chosen (none: `tpe` where Optuna is installed, otherwise `random`)",
        default=None,
    )
    pruner: str | None = option(
        Choice(PRUNERS), "ends trials early that will not be good, after each epoch (none: no trial)", default=None
    )
    seed: int = option(Count(0, MAX_SEED), "random seed of the sampler", default=0, aliases=SEED_ALIASES)
    seeds: int = option(
        Count(0, 10_000), "with how many seeds the best trial is trained at the end; 0: not at all", default=5
    )
