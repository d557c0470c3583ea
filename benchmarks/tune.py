"""Sixty trials on the digits: the default sampler (TPE of Optuna) against random search with the same budget.

    python benchmarks/tune.py [--trials 60] [--seeds 5] [--epochs 3]

Prints the best validation loss of each search, and the medians over the seeds of the samplers; both samplers have the
same network, data and seeds. All ranges but that of the learning rate are choices, so that trials share programs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import netspec

SPEC = """
param width = 32
param drop = 0.2

input 8x8x1

flatten -> dense(width, relu) -> dropout(drop) -> dense(width, relu) -> dense(classes, softmax)

data {
    source = digits
    val    = 20%
}

train {
    epochs = 3
    batch  = 64
}

tune {
    goal = val_loss

    params {
        width = (8 | 16 | 32 | 64 | 128)
        drop  = (0 | 0.2 | 0.4 | 0.6)
    }

    train {
        optimizer = (adam | adamw(decay = 0.1) | sgd | sgd(momentum = 0.9))
        rate      = log(1e-5, 1)
    }
}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=3)
    options = parser.parse_args()
    best: dict[str, list[float]] = {"tpe": [], "random": []}
    for seed in range(options.seeds):
        for sampler, losses in best.items():
            with tempfile.TemporaryDirectory() as folder:
                began = time.perf_counter()
                result = netspec.tune(
                    SPEC, trials=options.trials, sampler=sampler, seed=seed, seeds=0, epochs=options.epochs,
                    runs=Path(folder), verbose=0,
                )  # fmt: skip
            assert result.best is not None
            losses.append(result.best.goals[0])
            accuracy, seconds = result.best.metrics["val_accuracy"], time.perf_counter() - began
            print(f"seed {seed}  {sampler:6}  val_loss {losses[-1]:.4f}  {accuracy:7.2%}  {seconds:5.0f} s", flush=True)
    for sampler, losses in best.items():
        print(f"median of {options.seeds} seeds, {sampler:6}  val_loss {statistics.median(losses):.4f}")


if __name__ == "__main__":
    main()
