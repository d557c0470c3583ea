"""The recipe: everything that training needs to know beside the network and the data, decided before the first step.

Input: the `train` section, the heads of the network, and what the data say about the targets. Output: a frozen
`Recipe` with every default filled in, or diagnostics (NS45x). The defaults are those of docs/language.md, section 7.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.data.transforms.normalization import Normalization
from netspec.language.diagnostics import Note
from netspec.language.lowering_families import FAST
from netspec.language.record import Frozen
from netspec.language.source import Span
from netspec.language.values import to_source
from netspec.training.control.keep import Best, Every, Keep, Last
from netspec.training.control.stop import Stop, Until
from netspec.training.control.threshold import BestThreshold, can_compare, number_of
from netspec.training.distributed.mesh import SYNC, Axis
from netspec.training.errors import outputs as output_errors, recipe as errors
from netspec.training.metrics import Metric, metric_of
from netspec.training.metrics.base import DEFAULT_THRESHOLD, OfOutputMetrics
from netspec.training.optimizers import ChainWord
from netspec.training.recipe.advice import advise_unmeasured
from netspec.training.recipe.intervals import check_interval
from netspec.training.recipe.outputs import OutputRecipe, make_outputs
from netspec.training.recipe.settings import Check, TrainSettings
from netspec.training.schedules import Schedule, find_plateau


class Recipe(Frozen):
    """Everything in force for a run. `outputs` has an entry for each output of the network, by name;
    `expected` are the metrics that the section `expect` names."""

    outputs: Mapping[str, OutputRecipe]
    optimizer: tuple[ChainWord, ...]
    schedule: tuple[Schedule, ...]
    freeze: tuple[str, ...]
    epochs: int
    batch: int
    seed: int
    stop: tuple[Stop, ...]
    keep: Keep
    precision: str = "f32"
    lowering: tuple[str, ...] = FAST
    remat: bool | tuple[str, ...] = False
    devices: int | None = None
    mesh: tuple[Axis, ...] | None = None
    batchnorm: str = SYNC
    watch: str | None = None
    every: Every | None = None
    drop_last: bool = False
    threshold: float | BestThreshold = DEFAULT_THRESHOLD
    expected: tuple[str, ...] = ()

    @property
    def watched(self) -> str:
        """The metric that decides which weights are best: the one given, or the one that another setting monitors."""
        given = self.keep.watches() if isinstance(self.keep, Best) else None
        return given or next((name for name in self._monitored_by_rules() if not is_of_test(name)), "val_loss")

    def _monitored_by_rules(self) -> dict[str, str]:
        """The metrics that `stop` and `schedule` monitor, and which of these settings does."""
        plateau = find_plateau(self.schedule)
        names = {name: "stop" for word in self.stop if (name := word.watches()) is not None}
        return names | ({plateau.watches(): "schedule"} if plateau is not None else {})

    def measured(self, split: str) -> list[str]:
        """The names of all single metrics on `train`, `val` or `test`; some are not measured while it trains."""
        names = ["loss"]
        for name, output in self.outputs.items():
            single = [metric for metric in output.metrics if not metric.is_table]
            if split == "train":
                single = [metric for metric in single if not (metric.takes_scores or metric.takes_long)]
            if split != "test" and output.are_calibrated:  # by the validation split, at the end of the training
                single = [metric for metric in single if metric.needs != "intervals"]
            names += [key for metric in single for key in self.reported(name, metric, split)]
            names += [self.metric_name(name, "loss")] if self.takes_names else []
        return [f"{split}_{name}" for name in names]

    def reported(self, output: str, metric: Metric, split: str) -> dict[str, int | None]:
        """The names, without that of the split, that a metric of an output is reported under, and the target column of
        each; None: all of them. Where an average over columns means nothing, there is one only for settings and
        expectations that name it."""
        own = self.metric_name(output, metric.metric_name)
        columns = self.outputs[output].columns if metric.by_column else ()
        each = {self.metric_name(output, f"{name}_{metric.metric_name}"): i for i, name in enumerate(columns)}
        is_asked = not columns or metric.has_average or f"{split}_{own}" in {*self.monitored, *self.expected}
        return {own: None, **each} if is_asked else dict(each)

    @property
    def class_names(self) -> dict[str, list[str]]:
        """The names of the classes of each output that has some, in the order of their ids."""
        return {name: list(o.target.names) for name, o in self.outputs.items() if o.target.names is not None}

    @property
    def target_scales(self) -> dict[str, dict[str, list[Any]]]:
        """Mean and standard deviation of the targets that are normalized, and the names of their columns, by output;
        the loss is in these units."""
        return {
            name: {"mean": list(o.scale.mean), "std": list(o.scale.std), "columns": list(o.columns)}
            for name, o in self.outputs.items()
            if o.scale is not None
        }

    @property
    def thresholds(self) -> dict[str, float]:
        """Those of all yes/no outputs, unless they are the default; those to choose are the default until then."""
        yes_or_no = {name: o.threshold for name, o in self.outputs.items() if o.is_yes_or_no}
        return yes_or_no if self.threshold != DEFAULT_THRESHOLD else {}

    @property
    def scored(self) -> set[str]:
        """The outputs whose single predictions are needed when a split is evaluated."""
        is_chosen = isinstance(self.threshold, BestThreshold)
        outputs = self.outputs.items()
        return {
            name
            for name, o in outputs
            if (is_chosen and o.is_yes_or_no) or o.are_calibrated or any(m.takes_scores for m in o.metrics)
        }

    def with_thresholds(self, thresholds: Mapping[str, float]) -> Recipe:
        """The same with other thresholds of some outputs."""
        outputs = {name: o.replace(threshold=thresholds.get(name, o.threshold)) for name, o in self.outputs.items()}
        return self.replace(outputs=outputs)

    @property
    def intervals(self) -> dict[str, float]:
        """The level of the intervals of each output whose coverage is measured."""
        return {
            name: o.level
            for name, o in self.outputs.items()
            if o.level is not None and any(m.needs == "intervals" for m in o.metrics)
        }

    @property
    def margins(self) -> dict[str, tuple[float, ...]]:
        """By how much the ends of calibrated intervals are moved apart, by output, once that is known."""
        return {name: o.margins for name, o in self.outputs.items() if o.margins is not None}

    @property
    def decided(self) -> dict[str, Mapping[str, Any]]:
        """What is known at the end of a training, by output, for its record: thresholds, and intervals where they are
        measured; and what the targets of these are called in their table."""
        parts: dict[str, Mapping[str, Any]] = {
            "thresholds": self.thresholds,
            "margins": self.margins,
            "intervals": self.intervals,
        }
        called = {
            name: o.called for name, o in self.outputs.items() if o.called and any(name in p for p in parts.values())
        }
        found = {**parts, "called": called}
        return {name: values for name, values in found.items() if values}

    def with_columns(self, columns: Mapping[str, Sequence[str]]) -> Recipe:
        """The same with outputs that are called as the only target column of each."""
        called = {name: columns[name][0] for name in self.outputs if len(columns.get(name, ())) == 1}
        return self.replace(outputs={n: o.replace(called=called.get(n)) for n, o in self.outputs.items()})

    def with_margins(self, margins: Mapping[str, tuple[float, ...]]) -> Recipe:
        """The same with calibrated intervals of some outputs."""
        outputs = {name: o.replace(margins=margins.get(name, o.margins)) for name, o in self.outputs.items()}
        return self.replace(outputs=outputs)

    @property
    def keeps_best(self) -> bool:
        return isinstance(self.keep, Best)

    @property
    def monitored(self) -> dict[str, str]:
        """The metrics that decide something, and the setting that each is for."""
        return ({self.watched: "keep"} if self.keeps_best else {}) | self._monitored_by_rules()

    @property
    def test_decides(self) -> bool:
        """Whether a metric of the test split, measured after every epoch, ends the run."""
        return any(map(is_of_test, self.monitored))

    @property
    def takes_names(self) -> bool:
        """Whether metrics carry the name of their output."""
        return len(self.outputs) > 1

    def metric_name(self, output: str, name: str) -> str:
        """The name of a metric of an output: `accuracy`, or `digit_accuracy` when there are several outputs."""
        return f"{output}_{name}" if self.takes_names else name

    def steps_per_epoch(self, examples: int) -> int:
        return examples // self.batch if self.drop_last else ceil(examples / self.batch)

    def examples_per_epoch(self, examples: int) -> int:
        """How many of the examples an epoch trains on."""
        return self.steps_per_epoch(examples) * self.batch if self.drop_last else examples

    def describe(self) -> dict[str, Any]:
        """Every setting in force, as plain data for JSON."""
        return {
            "epochs": self.epochs,
            "batch": self.batch,
            "optimizer": [word.to_source(full=True) for word in self.optimizer],
            "schedule": [word.to_source(full=True) for word in self.schedule],
            "freeze": list(self.freeze),
            "seed": self.seed,
            "stop": " -> ".join(word.to_source(full=True) for word in self.stop) or None,
            "keep": " -> ".join(word.to_source() for word in (self.keep, self.every) if word is not None),
            "precision": self.precision,
            "lowering": list(self.lowering),
            "remat": list(self.remat) if isinstance(self.remat, tuple) else self.remat,
            "watch": self.watch,
            "watched": self.watched if self.keeps_best or self.stop else None,
            "outputs": {name: output.describe() for name, output in self.outputs.items()},
            **({"drop_last": True} if self.drop_last else {}),
            **({"batchnorm": self.batchnorm} if self.batchnorm != SYNC else {}),
            **({"threshold": to_source(self.threshold)} if self.threshold != DEFAULT_THRESHOLD else {}),
        }


def is_of_test(name: str) -> bool:
    """Whether a metric is one of the test split."""
    return name.startswith("test_")


def make_recipe(
    settings: TrainSettings,
    heads: Mapping[str, OutputHead],
    targets: Mapping[str, Target],
    *,
    has_val: bool,
    has_test: bool = True,
    spans: Mapping[str, Span] | None = None,
    layers: Mapping[str, int] | None = None,
    class_weights: Mapping[str, Sequence[float]] | None = None,
    target_scaling: Mapping[str, Normalization] | None = None,
    expected: Sequence[str] = (),
) -> Recipe:
    """Fill in every default, and check the settings against the network and the data.

    Args:
        settings: the `train` section.
        heads: what each output of the network ends in, by its name.
        targets: what the data say about each output, by the same names; they fit the heads (data/checks/network.py).
        has_val: whether there is a validation split.
        has_test: whether there is a test split, or may be one.
        spans: the positions of the keys in the text, for messages.
        layers: how many weights each layer trains, by its name; None: the names in settings are not looked at.
        class_weights: what an example of each class counts, by the names of targets.
        target_scaling: the statistics of targets that are normalized, by the names of outputs.
        expected: the metrics that the section `expect` names.

    Raises:
        CompileError: with everything that does not fit together (NS450 to NS467, NS542).
        KeyError: an output has no targets, which the checks of the data report better.
    """
    check = Check(spans or {}, layers)
    outputs = make_outputs(settings, heads, targets, class_weights or {}, check, target_scaling)
    for option in settings.options():
        fits = getattr(settings, f"check_{option.name}", None)
        if fits is not None:
            fits(check)
    keep, every = _keep(settings.keep or (), has_val, check)
    lacks_val = not has_val and lacks_split(settings, keep, check)
    copied = {o.name: getattr(settings, o.name) for o in settings.options() if o.name in Recipe.__struct_fields__}
    decided = {"outputs": outputs, "stop": settings.stop or (), "keep": keep, "every": every}
    recipe = Recipe(**{**copied, **decided}, expected=tuple(expected))
    if len(outputs) == len(heads):
        recipe = _with_threshold(recipe, has_val or lacks_val, check)
        check_interval(settings.interval, outputs.values(), has_val or lacks_val, check)
        _check_monitored(recipe, {"val": has_val, "test": has_test}, check)
    check.problems.raise_errors()
    return recipe


# ---------------------------------------------------------------- the whole run


def _keep(words: Sequence[Keep], has_val: bool, check: Check) -> tuple[Keep, Every | None]:
    """What is kept at the end, and after how many epochs again beside that."""
    final = [word for word in words if word.is_final]
    every = [word for word in words if isinstance(word, Every)]
    for case, twice in (("final", final), ("every", every)):
        if len(twice) > 1:
            first, second = (word.to_source() for word in twice[:2])
            check.problems.add(output_errors.KeptTwice(span=check.at("keep"), case=case, first=first, second=second))
    keep = final[0] if final else (Best() if has_val else Last())
    return keep, every[0] if every else None


def lacks_split(settings: TrainSettings, keep: Keep | None, check: Check) -> bool:
    """Report the settings that need a validation split, all of them once, where there is none; whether any does."""
    plateau = find_plateau(settings.schedule)
    words = {"stop": settings.stop or (), "schedule": (plateau,) if plateau is not None else ()}
    names = {key: name for key, group in words.items() for w in group if (name := w.watches()) and not is_of_test(name)}
    if isinstance(keep, Best) and not names:
        check.problems.add(errors.NothingToCompare(span=check.at("keep")))
        return True
    if not names:
        return False
    first, metric = next(iter(names.items()))
    others = [key for key in (*names, *(["keep"] if isinstance(keep, Best) else [])) if key != first]
    notes = tuple(Note(span, "needs it, too") for key in others if (span := check.at(key)) is not None)
    check.problems.add(errors.NotMeasured(span=check.at(first), notes=notes, case="no val", metric=metric))
    return True


def _with_threshold(recipe: Recipe, has_val: bool, check: Check) -> Recipe:
    """The recipe with the threshold of its yes/no outputs, which there are, and the data to choose it on."""
    setting = recipe.threshold
    if setting == DEFAULT_THRESHOLD:
        return recipe
    names = [name for name, output in recipe.outputs.items() if output.is_yes_or_no]
    case, metric = "" if names else "output", ""
    if names and isinstance(setting, BestThreshold):
        inner = setting.metric
        metric = inner.word if isinstance(inner, OfOutputMetrics) else inner.to_source()
        case = "metric" if not can_compare(inner) else "" if has_val else "val"
    if case:
        head = ", ".join(str(output.head) for output in recipe.outputs.values())
        check.problems.add(output_errors.NoThreshold(span=check.at("threshold"), case=case, metric=metric, head=head))
    return recipe.with_thresholds(dict.fromkeys(names, number_of(setting)))


def _check_monitored(recipe: Recipe, has: Mapping[str, bool], check: Check) -> None:
    """The metrics that `stop`, `keep` and `schedule` monitor are measured, and their goals can be reached."""
    for name, key in recipe.monitored.items():
        split = "test" if is_of_test(name) else "val"
        if has[split] and name not in (measured := recipe.measured(split)):
            advice = advise_unmeasured(name, recipe.outputs, {split: measured})
            check.problems.add(errors.NotMeasured(span=check.at(key), metric=name, advice=advice))
        elif not has[split] and split == "test":
            check.problems.add(errors.NotMeasured(span=check.at(key), case="no test", metric=name))
    for word in recipe.stop:
        if not isinstance(word, Until):
            continue
        goal: Any = word.goal.right
        metric = metric_of(word.watches())
        low = 0 if metric is not None and metric.is_fraction else -math.inf
        if metric is not None and (metric.is_fraction or metric.is_at_most_1) and not low <= goal <= 1:
            case = "" if 1 < goal <= 100 else "fraction"
            span, wanted = check.at("stop"), to_source(goal)
            check.problems.add(output_errors.NeverSoGood(span=span, case=case, metric=word.watches(), wanted=wanted))
