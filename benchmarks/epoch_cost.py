"""What comes with an epoch beside its steps: augmentation, metrics, progress, checkpoints, together and one by one.

Epochs of `specs/mnist_cnn.net` with and without each alternate; printed are medians, and medians of the ratios of
epochs of the same round. Without: no metrics, nobody who looks on, no run folder. Progress is the live line of `netspec
train`, drawn to a terminal that nobody sees; checkpoints are written every two seconds instead of every ten.

    python -m benchmarks.epoch_cost [--rounds N]
"""

from __future__ import annotations

import argparse
import io
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import rich

from netspec.display.progress import LiveReporter
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import SpecExperiment, prepare
from netspec.storage.run_folder import Run
from netspec.training.loop import loop
from netspec.training.loop.callback import Reporter, Several
from netspec.training.loop.signals import Interruption
from netspec.training.step.engine import Engine

SPEC = Path(__file__).parents[1] / "specs" / "mnist_cnn.net"
AUGMENT = "rotate(10) -> zoom(10%) -> shift(10%)"
PARTS = ("augmentation", "metrics", "progress", "checkpoints")
EVERY_SECONDS = 2.0


class Contestant:
    """The loop of `netspec train` with some of the parts."""

    def __init__(self, parts: tuple[str, ...], folder: Path) -> None:
        overrides = {"train.epochs": "1000000", "train.schedule": "constant"}
        if "augmentation" in parts:
            overrides["data.augment"] = AUGMENT
        prepared = prepare(Compilation(Source.read(SPEC), overrides=overrides))
        if "metrics" not in parts:
            prepared = without_metrics(prepared)
        run = Run.create(folder, "-".join(parts) or "bare", {}, {}) if "checkpoints" in parts else None
        reporter: Reporter = LiveReporter() if "progress" in parts else Several()
        self.training = loop.Training(Engine(prepared), run, reporter, Interruption(), EVERY_SECONDS)
        self.training.begin(resume=False)
        self.bar = getattr(reporter, "bar", None)
        self.training.run_epoch()
        if self.bar is not None:
            self.bar.stop()  # only one may move at a time
        self.seconds: list[float] = []

    def epoch(self) -> None:
        if self.bar is not None:
            self.bar.start()
        began = time.perf_counter()
        self.training.run_epoch()
        self.seconds.append(time.perf_counter() - began)
        if self.bar is not None:
            self.bar.stop()


def without_metrics(prepared: SpecExperiment) -> SpecExperiment:
    outputs = {name: output.replace(metrics=()) for name, output in prepared.recipe.outputs.items()}
    return replace(prepared, recipe=prepared.recipe.replace(outputs=outputs))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    rich.reconfigure(file=io.StringIO(), force_terminal=True, width=120)
    with tempfile.TemporaryDirectory() as folder:
        names: list[tuple[str, ...]] = [(), *((part,) for part in PARTS), PARTS]
        contestants = {parts: Contestant(parts, Path(folder)) for parts in names}
        for index in range(rounds):
            for parts in names if index % 2 == 0 else reversed(names):
                contestants[parts].epoch()
    bare = contestants[()].seconds
    for parts, contestant in contestants.items():
        ratios = [a / b for a, b in zip(contestant.seconds, bare, strict=True)]
        name = "none" if not parts else "all" if parts == PARTS else parts[0]
        print(f"{name:<14} {statistics.median(contestant.seconds):6.2f} s  {statistics.median(ratios):5.3f}")


if __name__ == "__main__":
    main()
