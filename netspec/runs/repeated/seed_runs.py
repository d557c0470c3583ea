"""Several runs of one spec that differ in their seed.

Input: a prepared spec with `train.seeds`. Output: `SeedsResult`, with the mean and the spread of each metric. The
folder holds the spec as every run folder does, `seeds.json` with the metrics, and a whole run for each seed, `seed-0`,
`seed-1`, …, which can be evaluated, loaded and resumed by itself. The data are read once and the network is compiled
once. The runs go one after another rather than side by side in one `jax.vmap`: XLA turns that into grouped
convolutions, which take two to four times as long on a CPU, and a run has to equal one of its seed alone bit for bit.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import structs

from netspec.language.diagnostics import Diagnostic, Diagnostics
from netspec.language.files.paths import is_file
from netspec.language.record import Frozen
from netspec.language.values import is_plain_number
from netspec.runs.repeated.members import Members
from netspec.spec.experiment import SpecExperiment, load_init, prepare, pretty, run_files, settings_in_force
from netspec.spec.saved import as_trained, read_compilation, read_preprocessing
from netspec.storage.run_files import SEEDS
from netspec.storage.run_folder import Run
from netspec.training.distributed.placement import check_devices
from netspec.training.distributed.shared_run import shared_run
from netspec.training.loop.callback import Reporter, Several


class Spread(Frozen):
    """A metric over several runs. `std` is the sample standard deviation (divided by n - 1), 0 for a single run."""

    mean: float
    std: float
    min: float
    max: float
    values: tuple[float, ...]


def spreads(runs: Sequence[Mapping[str, Any]]) -> dict[str, Spread]:
    """The spread of each metric that all runs have as a finite number; tables are left out."""
    names = [name for name in runs[0] if all(is_plain_number(run.get(name)) for run in runs)] if runs else []
    columns = {name: tuple(float(run[name]) for run in runs) for name in names}
    stds = {name: statistics.stdev(values) if len(values) > 1 else 0.0 for name, values in columns.items()}
    return {k: Spread(statistics.fmean(v), stds[k], min(v), max(v), v) for k, v in columns.items()}


class SeedsResult(Frozen):
    """The result of runs with several seeds.

    `run` is the folder of all runs; that of a seed is `seed-0`, `seed-1`, … in it, for `netspec.load` and others.
    `metrics` has those of each finished seed, by seed, `spreads` their mean and spread. `problems` are warnings, and
    expectations that a seed does not meet. `signal` is set if one interrupted the runs, which `netspec.resume_seeds`
    completes.
    """

    run: Path
    seeds: tuple[int, ...]
    metrics: Mapping[int, Mapping[str, Any]]
    spreads: Mapping[str, Spread]
    problems: tuple[Diagnostic, ...]
    signal: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "event": "seeds" if self.signal is None else "interrupted",
            "run": str(self.run),
            "seeds": list(self.metrics),
            "metrics": {name: structs.asdict(spread) for name, spread in self.spreads.items()},
        }


def is_seeds_run(path: Path) -> bool:
    """Whether a folder holds runs with several seeds."""
    return is_file(path / SEEDS)


def train_seeds(
    prepared: SpecExperiment, runs: Path, reporter: Reporter | None = None, *, name: str | None = None, **options: Any
) -> SeedsResult:
    """Train with `train.seeds` seeds, counted up from `train.seed`, in a new folder under `runs`.

    Args:
        prepared: the spec and its data.
        runs: the folder of all runs.
        reporter: called during training; its records have the seed.
        name: of the new folder; None: that of the spec with a number.
        options: of the loop, as in `train_in`.

    Raises:
        CompileError: a loss is not finite, or the folder cannot be written.
    """
    check_devices(prepared.recipe)
    prepared = load_init(prepared)
    files = {**run_files(prepared), SEEDS: pretty({"seeds": _seeds(prepared)})}
    chosen, settings = name or prepared.compilation.name, settings_in_force(prepared)
    parent = shared_run(lambda: Run.create(runs, chosen, files, settings, exact=name is not None))
    return _Seeds(prepared, parent, reporter or Several(), options).train()


def resume_seeds(path: Path, reporter: Reporter | None = None, data: Any = None, **options: Any) -> SeedsResult:
    """Complete the runs in a folder that `train_seeds` created: an interrupted seed is resumed, the others are started.

    Args:
        path: the folder.
        reporter: called during training; its records have the seed.
        data: the same arrays again, for runs on arrays.
        options: of the loop, as in `train_in`.

    Raises:
        CompileError: a folder is damaged, or the data have changed.
    """
    spec, before = as_trained(path, read_compilation(path)), read_preprocessing(path)
    prepared = load_init(prepare(spec, data, target_scaling=before.outputs, encoder=before.encoder))
    return _Seeds(prepared, shared_run(lambda: Run.open(path)), reporter or Several(), options, data).train()


def _seeds(prepared: SpecExperiment) -> list[int]:
    first = prepared.recipe.seed
    return list(range(first, first + prepared.compilation.train.seeds))


class _Seeds:
    """Runs with several seeds, in progress."""

    def __init__(
        self, prepared: SpecExperiment, parent: Run, reporter: Reporter, options: Mapping[str, Any], data: Any = None
    ) -> None:
        self.prepared, self.parent = prepared, parent
        self.members = Members(parent, "seed", reporter, options, data)

    def train(self) -> SeedsResult:
        """Train every seed that is not finished, up to an interruption, and write the record of all."""
        seeds = _seeds(self.prepared)
        metrics: dict[int, Mapping[str, Any]] = {}
        signal = None
        for seed in seeds:
            seed_metrics, signal = self.members.train(seed, partial(self.prepared.with_seed, seed))
            if signal is not None:
                break
            metrics[seed] = seed_metrics
        problems = Diagnostics([*self.prepared.warnings, *self.members.problems])
        found = spreads(list(metrics.values()))
        result = SeedsResult(self.parent.path, tuple(seeds), metrics, found, problems, signal)
        self.parent.write_text(SEEDS, pretty({**result.as_json(), "seeds": seeds, "done": list(metrics)}))
        return result
