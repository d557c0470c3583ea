"""Metrics as text: one value, a line of them, and columns that fit into a line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from netspec.display.text import number_text
from netspec.language.values import is_plain_number
from netspec.training.metrics import is_higher_better, metric_of
from netspec.training.metrics.base import all_metric_names

REPEATED = ("mse", "mae")
"""Metrics that are losses too; where one of them is the loss as well, it is shown once."""
LAST = {"nll": 1, "pinball": 1, "mse": 2}
"""Metrics that come after all others, and their order."""

SPLITS = {"test": "test", "val": "validation", "train": "training"}
SYMBOLS = {"r2": "R²", "nll": "negative log-likelihood", "iou": "IoU"} | {
    name: name.upper() for name in ("rmse", "mse", "mae", "mape", "crps", "f1", "roc", "auc")
}
"""What words of the names of metrics are called in sentences and tables."""

MAX_CLASSES = 4
"""Classes whose shares are all listed."""
MIN_WIDTH = 8
"""Of a column: as many characters as most values have."""


def metric_text(name: str, value: float) -> str:
    """A metric for people: fractions in percent, rates in short, large numbers with separators, the rest with four
    digits."""
    if name == "rate":
        return f"{value:.3g}"
    metric = metric_of(name)
    if metric is not None and metric.in_percent:
        return f"{100 * value:.2f}%"
    return f"{value:.4f}" if 0.001 <= abs(value) < 1000 else number_text(value, digits=3)


def words_of(metric: str) -> str:
    """`val_top5_accuracy` as words, `r2` as R²."""
    split, _, rest = metric.partition("_")
    if split in SPLITS and rest:
        return f"{SPLITS[split]} {words_of(rest)}"
    return " ".join(SYMBOLS.get(word, word) for word in metric.split("_"))


def metric_parts(metrics: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]] | None = None) -> list[str]:
    """`loss 0.0412`, `accuracy 98.71%`, …: the numbers, without those that repeat the loss; behind them in parentheses
    those of forecasts without a network, `mae 0.31  (last value: 0.52)`."""
    parts = []
    for name, value in numbers_of(metrics).items():
        others = {label: known[name] for label, known in (baselines or {}).items() if known.get(name) is not None}
        compared = ", ".join(f"{label}: {metric_text(name, other)}" for label, other in others.items())
        parts.append(f"{name} {metric_text(name, value)}" + (f"  ({compared})" if compared else ""))
    return parts


def beaten_by(metrics: Mapping[str, Any], baselines: Mapping[str, Mapping[str, Any]] | None) -> list[str]:
    """A sentence for each forecast without a network that is better than the network by all metrics they share."""
    found = []
    for label, known in (baselines or {}).items():
        shared = [name for name in numbers_of(metrics) if known.get(name) is not None and not name.endswith("_loss")]
        if shared and all(_is_better(name, known[name], metrics[name]) for name in shared):
            found.append(f"the {label} is better than the network by {' and '.join(shared)}")
    return found


def _is_better(name: str, one: float, other: float) -> bool:
    return one > other if is_higher_better(name) else one < other


def balance_text(shares: Mapping[str, float]) -> str:
    """`62% no, 38% yes`; of many classes the most and the least frequent one."""
    parts = {name: f"{100 * share:.3g}% {name}" for name, share in shares.items()}
    if len(parts) <= MAX_CLASSES:
        return ", ".join(parts.values())
    most, least = (parts[choose(shares, key=shares.__getitem__)] for choose in (max, min))
    return f"{len(parts)} classes, {most} to {least}"


def metrics_text(metrics: Mapping[str, Any]) -> str:
    """`loss 0.0412  accuracy 98.71%  val_loss 0.0518`"""
    return "  ".join(metric_parts(metrics))


def metrics_of_epoch(record: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of an epoch, and the learning rate where it depends on one of them."""
    rate = {"rate": record["rate"]} if "rate" in record else {}
    return {"loss": record["loss"], **record["metrics"], **rate}


def numbers_of(metrics: Mapping[str, Any]) -> dict[str, float]:
    """The metrics that are single numbers, without those that repeat the loss; `mse` last, as its unit is a square."""
    numbers = {k: v for k, v in metrics.items() if is_plain_number(v) and not _is_loss(k, metrics)}
    return dict(sorted(numbers.items(), key=lambda item: item[0].rpartition("_")[2] == "mse"))


def _is_loss(name: str, metrics: Mapping[str, Any]) -> bool:
    """Whether a metric is the loss again: `mse` where the mean squared error is the loss."""
    front, _, metric = name.rpartition("_")
    loss = metrics.get(f"{front}_loss" if front else "loss")
    return (
        metric in REPEATED and is_plain_number(loss) and loss != 0 and math.isclose(metrics[name], loss, rel_tol=1e-5)
    )


def plain_metrics(names: Iterable[str]) -> list[str]:
    """The metrics except losses, without their twins of other splits: those of the whole output before those of a
    target column, and last those that say little by themselves: likelihoods, and `mse`, the square of another."""
    measured = [name for name in names if not name.endswith(("loss", "penalty"))]
    plain, known = [name for name in measured if not name.startswith(("val_", "test_"))], all_metric_names()
    return sorted(plain, key=lambda name: (LAST.get(name.rpartition("_")[2], 0), name not in known))


def by_split(names: Iterable[str]) -> list[str]:
    """Metrics of the test split first, then of validation, then of training."""
    return sorted(names, key=lambda name: (not name.startswith("test_"), not name.startswith("val_")))


def best_value(name: str, values: Iterable[float]) -> float | None:
    """The best of several values of a metric; None where they are all the same."""
    different = set(values)
    return (max if is_higher_better(name) else min)(different) if len(different) > 1 else None


@dataclass(frozen=True)
class MetricColumns:
    """Which metrics have a column, in the order of the record, and how wide each is."""

    widths: Mapping[str, int]

    @classmethod
    def fitting(cls, metrics: Mapping[str, Any], width: int) -> MetricColumns:
        """As many columns as fit: first the loss and that of validation, then each metric with its `val_` twin in the
        order of the spec; of several target columns those of all, where they fit. Of two that do not fit together the
        one of validation is shown."""
        shown, taken = numbers_of(metrics), list[str]()
        widths = {name: max(len(name), len(metric_text(name, value)), MIN_WIDTH) for name, value in shown.items()}
        left, known = width, {"loss", *all_metric_names()}
        names = [name for name in shown if not (name.startswith("val_") and name[4:] in shown)]
        for name in names:
            if name in taken or f"val_{name}" in taken:
                continue
            metric = name.rpartition("_")[2]
            of_columns = [n for n in names if n not in known and n.rpartition("_")[2] == metric]
            alike = of_columns if name in of_columns else [name]
            every = [n for one in alike for n in (one, f"val_{one}") if n in shown]
            last = [f"val_{one}" if f"val_{one}" in shown else one for one in alike]
            pair = [n for n in (name, f"val_{name}") if n in shown]
            for group in (every, last, pair, pair[-1:]):
                cost = sum(2 + widths[n] for n in group)
                if cost <= left:
                    taken, left = [*taken, *group], left - cost
                    break
        return cls({name: widths[name] for name in shown if name in taken})

    def header(self) -> str:
        """The names over the columns."""
        return "".join("  " + name.rjust(width) for name, width in self.widths.items())

    def row(self, metrics: Mapping[str, Any]) -> str:
        """The values; a number that is not finite is None in a record."""
        return "".join("  " + self.cell(name, metrics, width).rjust(width) for name, width in self.widths.items())

    def cell(self, name: str, metrics: Mapping[str, Any], width: int) -> str:
        """The value of a column; one that has become too long for it is rounded."""
        value = metrics.get(name)
        if not is_plain_number(value):
            return "?"
        text = metric_text(name, value)
        return text if len(text) <= width else f"{value:.3g}"
