"""First aid for a training that does not work: one batch memorized, one step of everything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.api.training import spec_of
from netspec.language.diagnostics import fail
from netspec.runs.arguments import check_one_data, check_params, overrides_of

if TYPE_CHECKING:
    from netspec.analysis.first_aid.dry_run import DryRun
    from netspec.analysis.first_aid.overfit import Overfit
    from netspec.runs.model import Model
    from netspec.spec.experiment import SpecExperiment


def overfit_batch(
    model: Model | str | Path,
    data: Any = None,
    *others: Any,
    params: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Overfit:
    """Whether a network memorizes one batch, as every training that works does; and what prevents it.

    The first batch of the training split is trained on until its loss is 1% of the first one, for at most 2,000 steps
    or a minute, with the loss, the optimizer and the rate of the spec. Left out is what makes a training generalize:
    augmentation, dropout and noise, penalties, weight decay, smoothed labels, the schedule. Of several seeds or folds
    the first one is taken. Nothing is written, and `model` keeps its weights.

    Args:
        model: a model, or a spec to compile.
        data: as for `netspec.train`.
        params: values for the `param` statements of the spec.
        settings: settings of the section `train`, such as `optimizer="sgd(0.1)"`.

    Returns:
        `learned`, the `losses`, the `metrics` of the batch, what was `left_out`, and the `obstacles`: each has its
        `kind`, a `message` and `advice`. `print(…)` shows all of it.

    Raises:
        CompileError: the spec, the data or a setting is wrong.
        TypeError: an argument has a wrong type.
    """
    check_one_data("netspec.overfit_batch(…, ", others)
    from netspec.analysis.first_aid.overfit import overfit

    prepared = _prepared("overfit_batch", model, data, params, settings)
    return overfit(prepared, name=prepared.compilation.name)


def dry_run(
    model: Model | str | Path,
    data: Any = None,
    *others: Any,
    params: Mapping[str, Any] | None = None,
    **settings: Any,
) -> DryRun:
    """Do one step of everything that `netspec.train` does: a step of training, validation, a checkpoint in a temporary
    folder, the metrics of the test split, a prediction. No run is left, and `model` keeps its weights.

    Arguments and errors are those of `netspec.overfit_batch`; what would fail in the training raises the same error.

    Returns:
        `seconds` of each part, `step_seconds`, and `bytes` in memory and on the disk. `print(…)` shows them.
    """
    check_one_data("netspec.dry_run(…, ", others)
    from netspec.analysis.first_aid.dry_run import dry_run as once

    prepared = _prepared("dry_run", model, data, params, settings)
    return once(prepared, name=prepared.compilation.name)


def _prepared(
    name: str, model: Model | str | Path, data: Any, params: Mapping[str, Any] | None, settings: Mapping[str, Any]
) -> SpecExperiment:
    from netspec.analysis.first_aid.errors import NotTogether
    from netspec.analysis.first_aid.first_of import first_of
    from netspec.spec.experiment import load_init, prepare

    check_params(params)
    prepared = prepare(spec_of(model), data, overrides_of(params, settings))
    if prepared.loaded is not None and prepared.loaded.passes:
        raise fail(NotTogether(case="batches", option=f"netspec.{name}", other="an iterable of batches"))
    return load_init(first_of(prepared))
