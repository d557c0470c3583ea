"""What to write where a setting or an expectation names a metric that a run does not measure."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from netspec.language.corrections import suggest
from netspec.language.kinds import Count
from netspec.training.metrics import Metric
from netspec.training.metrics.base import all_metric_names
from netspec.training.recipe.metric_fit import given_needs
from netspec.training.recipe.outputs import OutputRecipe


def advise_unmeasured(
    name: str,
    outputs: Mapping[str, OutputRecipe],
    measured: Mapping[str, Collection[str]],
    others: Collection[str] = (),
    more: str = "",
) -> str:
    """For `val_f1`: the split or the metric that is missing, or the measured metrics whose names are near.

    Args:
        name: the metric.
        outputs: how each output is trained and measured.
        measured: the metrics that are measured on each split that there is.
        others: other names that may not be measured, so that one hint is right for all of them.
        more: what follows the name of a metric.
    """
    split = name.partition("_")[0]
    if split in ("val", "test") and split not in measured:
        return f"write `{split} = 10%` in the `data` section"
    if len(outputs) == 1:
        [output] = outputs.values()
        missing = [
            metric for other in dict.fromkeys((*others, name)) if (metric := _missing(other, output)) is not None
        ]
        if _missing(name, output) is not None:
            text = " -> ".join(word.to_source() for word in dict.fromkeys((*output.metrics, *missing)))
            return f"write `metrics = {text}` in the `train` section"
    known = [known for names in measured.values() for known in names]
    other, example = name.partition("_")[2] if split in PARTS else name, _example(known, split)
    is_elsewhere = any(one.partition("_")[2] == other for one in known)  # on another split
    if other in all_metric_names() and example is not None and not is_elsewhere:
        listed = [one for one in known if one.partition("_")[0] == example.partition("_")[0]]
        return f"this network measures no {other}: measured are {', '.join(listed)}; write `{example}{more}`"
    return suggest(name, known, what="measured")


PARTS = ("train", "val", "test")
"""The splits, as names of metrics begin with them."""


def _example(known: Collection[str], split: str) -> str | None:
    """The most common metric of a split that is higher for better predictions; None where none is measured."""
    parts = [split] if split in PARTS else ["test", "val"]
    names = [f"{part}_{metric}" for part in parts for metric in ("accuracy", "r2", "f1", "roc_auc")]
    return next((name for name in names if name in known), None)


def _missing(name: str, output: OutputRecipe) -> Metric | None:
    """The word of a metric that could be measured, and is not."""
    metric = _word(name.partition("_")[2])
    if metric is None or metric in output.metrics:
        return None
    fits = metric.needs in given_needs(output.loss, output.scored, output.target, output.level)
    return metric if fits and not metric.misfit(output.scored, output.target) else None


def _word(name: str) -> Metric | None:
    """The word that reports a metric: `top(3)` for `top_3`, `f1(macro)` for `f1_macro`."""
    cls = all_metric_names().get(name)
    suffix = name.removeprefix(cls.word).removeprefix("_") if cls is not None else ""
    if cls is None or not suffix:
        return cls() if cls is not None else None
    value = int(suffix) if suffix.isdigit() else suffix
    option = next(o for o in cls.options() if (suffix in o.kind.names) or isinstance(o.kind, Count))
    return cls(**{option.field: value})
