"""Several runs of one spec that differ in their seed.

Comes in: a prepared spec with `train.seeds`. Goes out: `SeedsResult`, with the mean and the spread of each figure. The
folder of such a run holds the spec as that of any run, `seeds.json` with the figures, and a whole run for each seed,
`seed-0`, `seed-1`, …, which can be asked, loaded and gone on from by itself. The data are read once, the net is
compiled once. Going on does what is left: a seed that was under way goes on, one that was not begun begins.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from msgspec import structs

from netspec.language.diagnostics import Diagnostic
from netspec.runs.resume import resume_run
from netspec.runs.seed_statistics import Spread, spreads
from netspec.spec.experiment import SpecExperiment, load_init, prepare, pretty, run_files, settings_in_force, train_in
from netspec.spec.saved import read_compilation
from netspec.storage.run_folder import Run, read_run
from netspec.training.loop.callback import Record, Reporter, Silent, Tick
from netspec.training.loop.checkpointing import SAVE_SECONDS
from netspec.training.step.engine import Engine

FILE = "seeds.json"


@dataclass(frozen=True)
class SeedsResult:
    """What runs with several seeds have come to.

    `metrics` are those of each seed that is finished, `figures` their spread. `problems` are warnings, and expectations
    that a seed does not meet. `signal` is set when one ended the runs early; going on does what is left.
    """

    run: Path
    seeds: tuple[int, ...]
    metrics: Mapping[int, Mapping[str, Any]]
    figures: Mapping[str, Spread]
    problems: tuple[Diagnostic, ...]
    signal: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "event": "seeds" if self.signal is None else "interrupted",
            "run": str(self.run),
            "seeds": list(self.metrics),
            "figures": {name: structs.asdict(spread) for name, spread in self.figures.items()},
        }


def is_seeds_run(path: Path) -> bool:
    """Whether a folder is that of runs with several seeds."""
    return (path / FILE).is_file()


def train_seeds(prepared: SpecExperiment, runs: Path, reporter: Reporter | None = None, **how: Any) -> SeedsResult:
    """Train with `train.seeds` seeds, counted up from `train.seed`, in a new folder under `runs`.

    Args:
        prepared: the spec and its data.
        runs: the folder of all runs.
        reporter: who follows; records carry the seed.
        how: goes to the loop, as in `train_in`.

    Raises:
        CompileError: a loss is not finite, or the folder cannot be written.
    """
    prepared = load_init(prepared)
    files = {**run_files(prepared), FILE: pretty({"seeds": _seeds(prepared)})}
    parent = Run.create(runs, prepared.compilation.name, files, settings_in_force(prepared))
    return _Seeds(prepared, parent, reporter or Silent(), how).train()


def resume_seeds(path: Path, reporter: Reporter | None = None, **how: Any) -> SeedsResult:
    """Do what is left of the runs in a folder that `train_seeds` has made.

    Raises:
        CompileError: a folder is damaged, or the data have changed.
    """
    prepared = load_init(prepare(read_compilation(path)))
    return _Seeds(prepared, Run.open(path), reporter or Silent(), how).train()


def _seeds(prepared: SpecExperiment) -> list[int]:
    first = prepared.recipe.seed
    return list(range(first, first + prepared.compilation.train.seeds))


class _Seeds:
    """Runs with several seeds under way."""

    def __init__(self, prepared: SpecExperiment, parent: Run, reporter: Reporter, how: Mapping[str, Any]) -> None:
        self.prepared, self.parent, self.reporter = prepared, parent, reporter
        self.how = {"save_seconds": SAVE_SECONDS, **how}
        self.programs: Engine | None = None
        self.problems = list(prepared.warnings)

    def train(self) -> SeedsResult:
        seeds = _seeds(self.prepared)
        metrics: dict[int, Mapping[str, Any]] = {}
        signal = None
        for seed in seeds:
            found, signal = self._one(seed)
            if signal is not None:
                break
            metrics[seed] = found
        result = SeedsResult(
            self.parent.path, tuple(seeds), metrics, spreads(list(metrics.values())), tuple(self.problems), signal
        )
        self.parent.write_text(FILE, pretty({**result.as_json(), "seeds": seeds, "done": list(metrics)}))
        return result

    def _one(self, seed: int) -> tuple[Mapping[str, Any], str | None]:
        """The figures of a seed, and the signal that ended it early; done, gone on with, or begun."""
        folder, reporter = self.parent.path / f"seed-{seed}", _OfSeed(self.reporter, seed)
        if folder.is_dir():
            done = read_run(folder).done
            if done is not None:
                found: Mapping[str, Any] = done["metrics"]
                return found, None
            result = resume_run(folder, reporter, save_seconds=self.how["save_seconds"])
        else:
            prepared = self.prepared.with_seed(seed)
            engine = Engine(prepared, programs_of=self.programs)
            self.programs = self.programs or engine
            run = Run.create(
                self.parent.path, folder.name, run_files(prepared), settings_in_force(prepared), exact=True
            )
            result = train_in(prepared, run, engine=engine, reporter=reporter, **self.how)
        self.problems += [problem for problem in result.problems if problem.is_error]
        return result.metrics, result.signal


class _OfSeed:
    """Tells a reporter what happens, with the seed in the records."""

    def __init__(self, reporter: Reporter, seed: int) -> None:
        self.reporter, self.seed = reporter, seed

    def start(self, record: Record) -> None:
        self.reporter.start({**record, "seed": self.seed})

    def progress(self, tick: Tick) -> None:
        self.reporter.progress(tick)

    def epoch(self, record: Record) -> None:
        self.reporter.epoch({**record, "seed": self.seed})

    def done(self, record: Record) -> None:
        self.reporter.done({**record, "seed": self.seed})
