"""What `netspec new` writes against tuned linear models and trees: the test error of five folds.

    python -m benchmarks.new [--tables iris wine] [--repeats 1] [--out benchmarks/results/new]

A spec is written from the training rows of each fold alone, with the default goal, and trained as it is, once. Logistic
or ridge regression and HistGradientBoosting of scikit-learn are tuned within the training rows of each fold (nested
cross-validation). The error is the fraction of wrong classes, or the RMSE over all folds. The goal is at most 1.1 times
the better of the two on the first five tables; the others keep the recipes from fitting these alone.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

import netspec
from benchmarks.new_tables import GOAL, TABLES

LIMIT = 1.1
BOOSTING = {"learning_rate": [0.03, 0.1], "max_leaf_nodes": [5, 15, 31]}

WHY = {
    "friedman": "smooth: a network follows it, trees approximate it by steps",
    "prices": "a product of factors: trees need many thresholds for it, a linear model cannot",
    "churn": "trees win by little: it is made of thresholds of costs and months, which they find exactly",
    "wide": "ridge wins: linear, with a feature for every two rows, any other model has more variance",
}
"""Why one kind of model has an advantage on a table."""


def is_classes(frame: pd.DataFrame) -> bool:
    return not pd.api.types.is_numeric_dtype(frame["target"])


def folds(frame: pd.DataFrame, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The rows of each fold to train and to test on, the same for all models."""
    kind = StratifiedKFold if is_classes(frame) else KFold
    return [*kind(5, shuffle=True, random_state=seed).split(frame, frame["target"])]


def losses(predicted: np.ndarray, true: pd.Series) -> float:
    """The fraction of wrong classes, or the mean squared error."""
    if pd.api.types.is_numeric_dtype(true):
        return float(np.mean((predicted - true.to_numpy()) ** 2))
    return float(np.mean(predicted != true.to_numpy()))


def linear(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Logistic or ridge regression."""
    x, y = train.drop(columns="target"), train["target"]
    numbers = [name for name in x if pd.api.types.is_numeric_dtype(x[name])]
    prepared = make_column_transformer(
        (make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        (OneHotEncoder(handle_unknown="ignore"), [name for name in x if name not in numbers]),
    )
    if is_classes(train):
        pipeline = make_pipeline(prepared, LogisticRegression(max_iter=3000))
        search = GridSearchCV(pipeline, {"logisticregression__C": np.logspace(-3, 2, 11)}, cv=5)
    else:
        pipeline = make_pipeline(prepared, Ridge())
        search = GridSearchCV(pipeline, {"ridge__alpha": np.logspace(-3, 3, 13)}, cv=5)
    return losses(search.fit(x, y).predict(test.drop(columns="target")), test["target"])


def trees(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """HistGradientBoosting, with categories as categories."""
    both = pd.concat([train, test])
    for name in both.columns.drop("target"):
        if not pd.api.types.is_numeric_dtype(both[name]):
            both[name] = both[name].astype("category")
    train, test = both.iloc[: len(train)], both.iloc[len(train) :]
    kind = HistGradientBoostingClassifier if is_classes(train) else HistGradientBoostingRegressor
    model = kind(categorical_features="from_dtype", max_iter=150, random_state=0)
    grid = BOOSTING if len(train.columns) < 65 else {**BOOSTING, "learning_rate": [0.1]}  # half the time of the digits
    search = GridSearchCV(model, grid, cv=3).fit(train.drop(columns="target"), train["target"])
    return losses(search.predict(test.drop(columns="target")), test["target"])


def network(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """What `netspec new` writes."""
    with tempfile.TemporaryDirectory() as name:
        folder, before = Path(name), Path.cwd()
        os.chdir(folder)
        try:
            if len(train.columns) == 65:  # the digits are images
                x, y = ([image_of(part), part["target"].astype(int).to_numpy()] for part in (train, test))
                np.savez("images.npz", x_train=x[0], y_train=x[1], x_test=y[0], y_test=y[1])
                result = netspec.train(netspec.new("images.npz"), runs=folder / "runs", verbose=0)
            else:
                train.to_csv("train.csv", index=False)
                test.to_csv("test.csv", index=False)
                spec = netspec.new("train.csv", target="target")
                spec = "\n".join(line for line in spec.splitlines() if not line.strip().startswith("test "))
                spec = spec.replace('"train.csv",', '"train.csv", test = "test.csv",', 1)
                result = netspec.train(spec, runs=folder / "runs", verbose=0)
        finally:
            os.chdir(before)
    return 1 - result.metrics["test_accuracy"] if is_classes(train) else result.metrics["test_rmse"] ** 2


def image_of(frame: pd.DataFrame) -> np.ndarray:
    return frame.drop(columns="target").to_numpy("float32").reshape(-1, 8, 8, 1) / 16


MODELS = {"new": network, "linear": linear, "trees": trees}


def measure(name: str, seeds: range, models: list[str]) -> dict[str, float]:
    """The error of each model on a table."""
    frame = TABLES[name]()
    found: dict[str, list[float]] = {model: [] for model in models}
    for seed in seeds:
        for train, test in folds(frame, seed):
            for model in models:
                found[model].append(MODELS[model](frame.iloc[train], frame.iloc[test]))
    means = {model: float(np.mean(values)) for model, values in found.items()}
    return means if is_classes(frame) else {model: value**0.5 for model, value in means.items()}


def table_text(results: dict[str, dict[str, float]]) -> str:
    lines = [f"{'table':14} {'new':>10} {'linear':>10} {'trees':>10} {'ratio':>6}  goal", "-" * 60]
    for name, row in results.items():
        if not {*MODELS} <= {*row}:
            continue
        ratio = row["new"] / min(row["linear"], row["trees"])
        shown = [f"{row[model]:10.2%}" if row[model] < 1 else f"{row[model]:10.4g}" for model in MODELS]
        met = ("met" if ratio <= LIMIT else "missed") if name in GOAL else ""
        lines.append(f"{name:14} {' '.join(shown)} {ratio:6.2f}  {met or WHY.get(name, '')}".rstrip())
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tables", nargs="+", default=[*TABLES])
    parser.add_argument("--models", nargs="+", default=[*MODELS])
    parser.add_argument("--repeats", type=int, default=1, help="divisions into five folds")
    parser.add_argument("--seed", type=int, default=0, help="that of the first division")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "new")
    options = parser.parse_args()
    warnings.filterwarnings("ignore")
    options.out.mkdir(parents=True, exist_ok=True)
    file = options.out / "results.json"
    results = json.loads(file.read_text()) if file.exists() else {}
    for name in options.tables:
        began = time.perf_counter()
        row = measure(name, range(options.seed, options.seed + options.repeats), options.models)
        results[name] = {**results.get(name, {}), **row, "repeats": options.repeats}
        print(name, row, f"{time.perf_counter() - began:.0f} s", flush=True)
        results = {key: results[key] for key in TABLES if key in results}
        file.write_text(json.dumps(results, indent=1) + "\n")
        (options.out / "table.txt").write_text(table_text(results))
    print(table_text(results))


if __name__ == "__main__":
    main()
