"""Resuming a run from its last checkpoint.

Input: a run folder, and a spec or settings that may have changed since. Output: the `Result` that the run would
have had without the interruption. The meaning of the spec is compared with that of the run; only `HARMLESS` settings
may differ: `train.epochs`, and the devices.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from netspec.language.diagnostics import fail
from netspec.language.source import Source
from netspec.runs.catalog import meaning_of_run
from netspec.runs.diff import HARMLESS, Change, Difference, compare
from netspec.spec.canonical import meaning_of
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import (
    Result,
    as_dataset,
    load_init,
    prepare,
    pretty,
    settings_in_force,
    train_in,
    with_overrides,
)
from netspec.spec.saved import as_trained, read_compilation, read_preprocessing
from netspec.storage.errors import OtherSpec
from netspec.storage.run_files import checkpoint_steps
from netspec.storage.run_folder import Run, read_run
from netspec.storage.weights import check_not_search, is_intact
from netspec.training.distributed.placement import placement_of
from netspec.training.distributed.shared_run import shared_run
from netspec.training.loop.callback import Reporter
from netspec.training.loop.checkpointing import SAVE_SECONDS
from netspec.training.step.rate_in_state import RateInStateEngine


def resume_run(
    path: Path,
    reporter: Reporter | None = None,
    overrides: Mapping[str, str] | None = None,
    *,
    spec: Compilation | Source | None = None,
    data: Any = None,
    save_seconds: float = SAVE_SECONDS,
) -> Result:
    """Resume a run; the result is the one that it would have had without the interruption.

    Args:
        path: the run folder.
        reporter: called during training.
        overrides: `{"train.epochs": "20"}` to train for longer.
        spec: the spec as it is now; None: the one that the run saved.
        data: the same arrays again, for a run on arrays, which no spec can name.
        save_seconds: the minimum time between two checkpoints.

    Raises:
        CompileError: there is no such run, it is damaged or being trained, or its spec or data have changed.
    """
    check_not_search(path)
    kept = read_compilation(path, overrides)
    now = kept if spec is None else with_overrides(spec, overrides or {}, as_dataset(data, spec))
    now.check()
    difference = compare(meaning_of_run(path), meaning_of(now))
    if difference.serious:
        raise fail(other_spec(path, spec, difference))
    run, before = (
        shared_run(lambda: Run.open(path)),
        read_preprocessing(path),
    )  # versions differ in how they compute statistics
    prepared = prepare(
        as_trained(path, now),
        data,
        scaling=before.normalization,
        target_scaling=before.outputs,
        encoder=before.encoder,
    )
    if not checkpoint_steps(run.checkpoints):
        prepared = load_init(prepared)  # it starts from the beginning

    in_state = bool(read_run(path).settings.get("rate_in_state"))
    engine = RateInStateEngine(prepared, placement=placement_of(prepared)) if in_state else None

    def on_start() -> None:
        run.write_settings(settings_in_force(prepared, rate_in_state=in_state))
        run.write_text("meaning.json", pretty(meaning_of(now).as_json()))
        record = read_run(path).json("spec.json")
        run.write_text("spec.json", pretty({**record, **_changes_kept(kept, now, difference)}))

    options = {"engine": engine, "save_seconds": save_seconds, "on_start": on_start}
    return train_in(prepared, run, resume=True, reporter=reporter, **options)


def is_complete(path: Path, spec: Compilation) -> bool:
    """Whether a run has trained as long as a spec says, and its weights are intact.

    Raises:
        CompileError: it is the run of another spec (NS494), is not a run (NS473), or is damaged.
    """
    difference = compare(meaning_of_run(path), meaning_of(spec))
    if difference.serious:
        raise fail(other_spec(path, spec, difference))
    is_longer = any(change.key == "train.epochs" for change in difference.changes)
    return read_run(path).done is not None and not is_longer and is_intact(path)


def other_spec(run: Path, spec: Compilation | Source | None, difference: Difference) -> OtherSpec:
    """The error for a spec that a run cannot be resumed with."""
    source = spec.source if isinstance(spec, Compilation) else spec
    what = "the spec" if source is None else f"`{source.name}`"
    return OtherSpec(what=what, run=str(run), changes=_shown(difference, difference.serious))


def check_same_meaning(path: Path, spec: Compilation) -> None:
    """A search or a sweep is continued with the same spec; comments and formatting may change.

    Raises:
        CompileError: the spec means something else (NS494).
    """
    difference = compare(meaning_of_run(path), meaning_of(spec))
    if difference.changes:
        changes = _shown(difference, difference.changes)
        raise fail(OtherSpec(case="search", what=f"`{spec.source.name}`", run=str(path), changes=changes))


def _shown(difference: Difference, changes: Sequence[Change]) -> str:
    return "".join(f"\n  {line}" for line in difference.lines(changes, limit=12))


def _changes_kept(kept: Compilation, now: Compilation, difference: Difference) -> dict[str, Any]:
    """The settings that were changed, for `spec.json`: the run is resumed with them next time, too."""
    overrides, given_from = dict(kept.overrides), kept.given_from
    for change in difference.changes:
        if change.key in HARMLESS:
            settings = now.settings(change.section)
            option = next(o for o in settings.options() if o.name == change.name)
            value = getattr(settings, option.field)
            overrides.pop(change.key, None)
            overrides |= {} if value is None else {change.key: option.kind.to_source(value)}
            given_from = now.data_folder if change.key == "data.source" else given_from
    return {"overrides": overrides, "given_from": str(given_from.resolve())}
