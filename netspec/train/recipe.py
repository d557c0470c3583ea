"""The recipe: everything that training needs to know beside the net and the data, decided before the first step.

Comes in: the `train` section, the heads of the net, and what the data say about the targets. Goes out: a frozen
`Recipe` with every default filled in, or diagnostics (NS45x). The defaults are those of docs/language.md, section 7.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise
from math import ceil
from typing import Any

from netspec.diagnostics import Problems
from netspec.record import Record, value
from netspec.source import Span
from netspec.train import errors
from netspec.train.heads import HeadInfo, TargetInfo, are_ids
from netspec.train.losses import BinaryCrossEntropy, CrossEntropy, Loss, Mse
from netspec.train.metrics import (
    Accuracy,
    ConfusionMatrix,
    MeanAbsoluteError,
    MeanSquaredError,
    Metric,
    Perplexity,
    RocAuc,
    RootMeanSquaredError,
    RSquared,
)
from netspec.train.optimizers import Optimizer
from netspec.train.schedules import Schedule
from netspec.train.settings import TrainSettings
from netspec.train.stopping import Stop


@value
class OutputRecipe(Record):
    """How one output is trained and measured."""

    head: HeadInfo
    target: TargetInfo
    loss: Loss
    metrics: tuple[Metric, ...]

    @property
    def scored(self) -> HeadInfo:
        """The head that figures are made with: where the loss takes plain numbers for logits, so do they."""
        return scored_head(self.head, self.loss)

    @property
    def decisions(self) -> int:
        """Right or wrong answers of an example: one class at each place, or a yes or no for each unit."""
        has_classes = self.scored.activation == "softmax" or are_ids(self.head, self.target)
        return self.head.places if has_classes else self.head.count

    def describe(self) -> dict[str, Any]:
        return {
            "head": self.head.activation,
            "shape": list(self.head.shape),
            "targets": self.target.kind,
            "loss": self.loss.spelling(full=True),
            "metrics": [metric.spelling(full=True) for metric in self.metrics],
        }


def scored_head(head: HeadInfo, loss: Loss) -> HeadInfo:
    """The head, or the one that the loss implies for a net that ends in plain numbers."""
    return replace(head, activation=loss.implied) if head.activation == "linear" else head


@value
class Recipe(Record):
    """Everything in force for a run. `outputs` has an entry for each output of the net, by name."""

    outputs: Mapping[str, OutputRecipe]
    optimizer: tuple[Optimizer, ...]
    schedule: tuple[Schedule, ...]
    epochs: int
    batch: int
    seed: int
    stop: Stop | None
    keep: str

    @property
    def watched(self) -> str:
        """The figure that says which weights are best."""
        return (self.stop.watches() if self.stop else None) or "val_loss"

    @property
    def takes_names(self) -> bool:
        """Figures carry the name of their output."""
        return len(self.outputs) > 1

    def figure(self, output: str, name: str) -> str:
        """The name of a figure of an output: `accuracy`, or `digit_accuracy` when there are several outputs."""
        return f"{output}_{name}" if self.takes_names else name

    def steps_per_epoch(self, examples: int) -> int:
        return ceil(examples / self.batch)

    def describe(self) -> dict[str, Any]:
        """Every setting in force, as plain data for JSON."""
        return {
            "epochs": self.epochs,
            "batch": self.batch,
            "optimizer": [word.spelling(full=True) for word in self.optimizer],
            "schedule": [word.spelling(full=True) for word in self.schedule],
            "seed": self.seed,
            "stop": self.stop.spelling(full=True) if self.stop else None,
            "keep": self.keep,
            "watched": self.watched if self.keep == "best" or self.stop else None,
            "outputs": {name: output.describe() for name, output in self.outputs.items()},
        }


@dataclass
class _Check:
    """The places of settings in the text, and what is wrong with them."""

    spans: Mapping[str, Span]
    problems: Problems = field(default_factory=Problems)

    def at(self, key: str, head: HeadInfo | None = None) -> Span | None:
        return self.spans.get(key) or (head.span if head else None)


def make_recipe(
    settings: TrainSettings,
    heads: Mapping[str, HeadInfo],
    targets: Mapping[str, TargetInfo],
    *,
    has_val: bool,
    spans: Mapping[str, Span] | None = None,
) -> Recipe:
    """Decide everything that is left open, and check it against the net and the data.

    Args:
        settings: the `train` section.
        heads: what each output of the net ends in, by its name.
        targets: what the data say about each output, by the same names; they fit the heads (netspec/data/checks.py).
        has_val: whether there is a validation split.
        spans: where keys of the section stand in the text, for messages.

    Raises:
        CompileError: with everything that does not fit together (NS450 to NS465).
        KeyError: an output has no targets, which the checks of the data tell in a better way.
    """
    check = _Check(spans or {})
    outputs: dict[str, OutputRecipe] = {}
    for name, head in heads.items():
        # A single output takes the only target there is, whatever the data call it.
        key = name if len(heads) > 1 or name in targets else next(iter(targets))
        found = _make_output(settings, head, targets[key], check)
        if found is not None:
            outputs[name] = found
    _check_optimizer(settings.optimizer, check)
    _check_schedule(settings.schedule, check)
    keep = settings.keep or ("best" if has_val else "last")
    if keep == "best" and not has_val:
        check.problems.add(errors.NothingToCompare(span=check.at("keep")))
    recipe = Recipe(
        outputs=outputs,
        optimizer=settings.optimizer,
        schedule=settings.schedule,
        epochs=settings.epochs,
        batch=settings.batch,
        seed=settings.seed,
        stop=settings.stop,
        keep=keep,
    )
    if len(outputs) == len(heads):
        _check_stop(recipe, has_val, check)
    check.problems.raise_errors()
    return recipe


# ---------------------------------------------------------------- one output


def _make_output(settings: TrainSettings, head: HeadInfo, target: TargetInfo, check: _Check) -> OutputRecipe | None:
    loss = settings.loss or _default_loss(head, target)
    if not _check_loss(loss, head, target, check):
        return None
    scored = scored_head(head, loss)
    metrics = settings.metrics if settings.metrics is not None else _default_metrics(scored, target)
    for metric in metrics:
        _check_metric(metric, scored, target, check)
    return OutputRecipe(head, target, loss, metrics)


def _default_loss(head: HeadInfo, target: TargetInfo) -> Loss:
    """The loss that follows from the head and the targets."""
    if head.activation == "softmax" or are_ids(head, target):
        return CrossEntropy()
    if head.activation == "sigmoid" and target.kind != "numbers":
        return BinaryCrossEntropy()
    return Mse()


def _default_metrics(head: HeadInfo, target: TargetInfo) -> tuple[Metric, ...]:
    if head.activation == "softmax":
        return (Accuracy(), Perplexity()) if head.is_sequence else (Accuracy(), ConfusionMatrix())
    if are_ids(head, target):
        return (Accuracy(), RootMeanSquaredError())
    if head.activation == "sigmoid":
        if target.kind == "numbers":
            return (RootMeanSquaredError(), MeanAbsoluteError())
        return (Accuracy(), RocAuc()) if head.count == 1 else (Accuracy(), RootMeanSquaredError())
    return (MeanSquaredError(), RootMeanSquaredError(), MeanAbsoluteError(), RSquared())


def _check_loss(loss: Loss, head: HeadInfo, target: TargetInfo, check: _Check) -> bool:
    reason = ""
    if head.activation not in loss.heads:
        reason = f"it works on a net that ends in `{loss.implied}`"
    elif head.units < loss.fewest_units:
        reason = f"it needs at least {loss.fewest_units} units, one for each class"
    elif head.activation != loss.implied != "linear" and target.kind == "numbers":
        reason = "the targets are numbers, not classes"
    elif loss.implied == "sigmoid" and are_ids(head, target):
        reason = f"the targets are {target.classes} classes, of which one is right"
    if not reason:
        return True
    advice = f"use `{_default_loss(head, target).word}`, which follows from the last layer"
    check.problems.add(
        errors.LossNotForHead(span=check.at("loss", head), loss=loss.word, head=str(head), reason=reason, advice=advice)
    )
    return False


_NEEDS = {
    "decisions": "answers that are right or wrong",
    "classes": "answers that are classes",
    "probabilities": "probabilities of several classes",
    "one yes or no": "a single yes or no as the answer, and targets of 0 and 1",
}


def _check_metric(metric: Metric, head: HeadInfo, target: TargetInfo, check: _Check) -> None:
    has_classes = are_ids(head, target) or head.activation == "softmax"
    is_one_yes_or_no = head.count == 1 and target.kind != "numbers"
    gives = {
        "numbers": True,
        "decisions": has_classes or target.kind != "numbers",
        "classes": has_classes or is_one_yes_or_no,
        "probabilities": head.activation == "softmax",
        "one yes or no": is_one_yes_or_no,
    }
    if gives[metric.needs]:
        return
    check.problems.add(
        errors.MetricNotForHead(
            span=check.at("metrics", head),
            metric=metric.word,
            needs=_NEEDS[metric.needs],
            head=str(head),
            advice=", ".join(f"`{m.word}`" for m in _default_metrics(head, target)),
        )
    )


# ---------------------------------------------------------------- the whole run


def _check_optimizer(chain: Sequence[Optimizer], check: _Check) -> None:
    rated = [word for word in chain if word.has_rate]
    if len(rated) == 1:
        return
    text = " -> ".join(word.spelling() for word in chain)
    found = "no word" if not rated else f"more than one word ({', '.join(f'`{w.word}`' for w in rated)})"
    advice = "keep one of them" if rated else f"add an optimizer: `{text} -> adam(1e-3)`"
    check.problems.add(errors.RateCount(span=check.at("optimizer"), found=found, chain=text, advice=advice))


def _check_schedule(chain: Sequence[Schedule], check: _Check) -> None:
    for word, following in pairwise(chain):
        if word.span_of_time is None:
            check.problems.add(errors.NeverReached(span=check.at("schedule"), word=word.word, following=following.word))
            return


def _check_stop(recipe: Recipe, has_val: bool, check: _Check) -> None:
    if recipe.stop is None:
        return
    figure = recipe.watched
    measured = ["val_loss"]
    for name, output in recipe.outputs.items():
        measured += [f"val_{recipe.figure(name, m.word)}" for m in output.metrics if not m.is_table]
        if recipe.takes_names:
            measured.append(f"val_{recipe.figure(name, 'loss')}")
    if not has_val:
        reason, advice = "there is no validation split", "write `val = 10%` in the `data` section"
    elif figure not in measured:
        reason, advice = "no metric of this name", "measured are " + ", ".join(f"`{m}`" for m in measured)
    else:
        return
    check.problems.add(errors.UnknownFigure(span=check.at("stop"), figure=figure, reason=reason, advice=advice))
