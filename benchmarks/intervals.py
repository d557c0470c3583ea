"""How many test targets are in prediction intervals of 90%, of three losses on three tables.

    python -m benchmarks.intervals [--seeds 5] [--epochs 60] [--quick] [--out benchmarks/results/intervals.txt]

The seed draws the splits (of 60% training, 20% validation, 20% test examples), the initial weights and the order of the
examples. `calibrated` is `interval = conformal(90%)`; the same network without it is beside it, where its loss has
intervals of its own. `width` is relative to that of the narrowest interval that contains 90% of all targets.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_diabetes, make_friedman1

import netspec
from netspec.spec.experiment import prepare

LEVEL = 0.9
METHODS = {"quantile(0.05, 0.5, 0.95)": 3, "gaussian": 2, "mse": 1}
SPEC = """
dense(32, relu) -> dense({units})

data {{
    normalize = standard
    val       = 25%
    test      = 20%
    seed      = {seed}
}}

train {{
    loss      = {loss}
    interval  = conformal(90%)
    seed      = {seed}
    epochs    = {epochs}
    optimizer = adam(1e-2)
    stop      = early(val_loss, patience = 15)
}}
"""
Table = tuple[Any, Any]


def diabetes() -> Table:
    """442 patients, the progression of their disease after a year."""
    x, y = load_diabetes(return_X_y=True)
    return x, y


def friedman() -> Table:
    """A nonlinear function of 10 features (Friedman 1991) with noise that grows with one of them."""
    x, y = make_friedman1(2000, random_state=0)
    return x, y + np.random.default_rng(0).normal(size=len(y)) * (0.5 + 3 * x[:, 5])


def prices() -> Table:
    """Made prices of homes: log-normal, with a spread that grows with the area."""
    random = np.random.default_rng(1)
    area, rooms, age = random.uniform(30, 200, 1500), random.integers(1, 7, 1500), random.uniform(0, 80, 1500)
    logarithm = 10.5 + 0.008 * area + 0.03 * rooms - 0.002 * age + random.normal(size=1500) * (0.05 + 0.001 * area)
    return np.stack([area, rooms, age], axis=1), np.exp(logarithm)


TABLES: dict[str, Callable[[], Table]] = {"diabetes": diabetes, "friedman": friedman, "prices": prices}


def measured(table: Table, loss: str, seed: int, epochs: int) -> dict[str, tuple[float, float]]:
    """Coverage and mean width on the test split, calibrated and, where the loss has intervals, without."""
    x, y = (np.asarray(part, np.float32) for part in table)
    data = (x, y[:, None])
    spec = f"input {x.shape[1]}\n" + SPEC.format(units=METHODS[loss], loss=loss, seed=seed, epochs=epochs)
    with tempfile.TemporaryDirectory() as folder:
        result = netspec.train(spec, data, runs=Path(folder), verbose=0)
    index, model = prepare(result.model.compilation, data).splits.test_index, result.model
    found = {"calibrated": (result.metrics["test_coverage"], result.metrics["test_interval_width"])}
    if loss != "mse" and model.preprocessing is not None:
        model.preprocessing = model.preprocessing.replace(margins={})
        low, high = (end[:, 0] for end in model.predict(x[index]).intervals(LEVEL))
        found["alone"] = (float(((low <= y[index]) & (y[index] <= high)).mean()), float((high - low).mean()))
    return found


def narrowest(y: Any) -> float:
    """The width of the narrowest interval that contains 90% of some numbers."""
    ordered, inside = np.sort(y), round(LEVEL * len(y))
    return float((ordered[inside:] - ordered[: len(y) - inside]).min())


def lines(seeds: int, epochs: int) -> list[str]:
    """The rows of the result."""
    rows = [f"{'table':10}{'loss':27}{'intervals':12}{'coverage':>9}  {'range':16}{'width':>6}"]
    for name, make in TABLES.items():
        table = make()
        for loss in METHODS:
            parts = [measured(table, loss, seed, epochs) for seed in range(seeds)]
            for kind in parts[0]:
                covered, widths = np.array([part[kind] for part in parts]).T
                span = f"{covered.min():.1%} to {covered.max():.1%}"
                width = widths.mean() / narrowest(table[1])
                rows.append(f"{name:10}{loss:27}{kind:12}{covered.mean():>9.1%}  {span:16}{width:6.2f}")
                print(rows[-1], flush=True)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--quick", action="store_true", help="one seed, three epochs: fails only when something fails")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "intervals.txt")
    options = parser.parse_args()
    rows = lines(1 if options.quick else options.seeds, 3 if options.quick else options.epochs)
    if not options.quick:
        head = f"Intervals of 90%: mean and range of the coverage of the test split over {options.seeds} seeds"
        options.out.write_text("\n".join([head, "", *rows]) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
