"""The tables that `benchmarks.new` is measured on: those that scikit-learn has, and made ones with names and gaps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn import datasets

ROWS = 1500


def bundled(name: str) -> pd.DataFrame:
    """A table of scikit-learn; the column `target` is the target, with names where they are classes."""
    bunch = getattr(datasets, f"load_{name}")(as_frame=True)
    frame = bunch.frame.copy()
    if name != "diabetes":
        frame["target"] = [str(bunch.target_names[i]) for i in frame["target"]]
    return frame


def friedman() -> pd.DataFrame:
    """A smooth function of five of ten numbers, with an interaction, and noise (Friedman 1991)."""
    x, y = datasets.make_friedman1(1000, noise=1.0, random_state=0)
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(10)]).assign(target=y)


def clusters() -> pd.DataFrame:
    """Four classes of two clusters each, in eight of sixteen numbers, with a few wrong labels."""
    x, y = datasets.make_classification(
        ROWS,
        16,
        n_informative=8,
        n_redundant=4,
        n_classes=4,
        n_clusters_per_class=2,
        class_sep=1.2,
        flip_y=0.02,
        random_state=1,
    )
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(16)]).assign(target=[f"class {i}" for i in y])


def wide() -> pd.DataFrame:
    """A linear function of ten of sixty numbers, with much noise, in 120 rows."""
    x, y = datasets.make_regression(120, 60, n_informative=10, noise=60.0, random_state=2)
    return pd.DataFrame(x, columns=[f"x{i}" for i in range(60)]).assign(target=y)


def prices() -> pd.DataFrame:
    """Prices with a long tail: a product of factors of the area, the age, one of 40 towns and three conditions."""
    random = np.random.default_rng(3)
    area, age = random.gamma(6, 15, ROWS).round(1) + 20, random.integers(0, 90, ROWS)
    town, condition = random.integers(0, 40, ROWS), random.integers(0, 3, ROWS)
    level, factor = random.normal(0, 0.4, 40), np.array([0.8, 1.0, 1.3])
    price = 2500 * area**0.9 * np.exp(level[town] - 0.006 * age + random.normal(0, 0.15, ROWS)) * factor[condition]
    frame = pd.DataFrame({"area": area, "age": age.astype(float), "town": [f"town {i}" for i in town]})
    frame["condition"] = np.array(["poor", "fair", "good"])[condition]
    frame.loc[random.random(ROWS) < 0.08, "age"] = np.nan
    return frame.assign(target=price.round(-2))


def churn() -> pd.DataFrame:
    """Customers who leave, one in five: contracts, monthly costs and thresholds, as trees learn them well."""
    random = np.random.default_rng(4)
    months, cost = random.integers(1, 72, ROWS), random.uniform(20, 120, ROWS).round(2)
    contract, support = random.integers(0, 3, ROWS), random.integers(0, 2, ROWS)
    score = -2.2 + 1.6 * (contract == 0) + 1.2 * (cost > 80) * (months < 24) - 1.0 * support * (months > 36)
    leaves = random.random(ROWS) < 1 / (1 + np.exp(-2 * (score + 0.6)))
    frame = pd.DataFrame({"months": months, "cost": cost, "support": np.array(["no", "yes"])[support]})
    frame["contract"] = np.array(["month", "year", "two years"])[contract]
    return frame.assign(target=np.array(["stays", "leaves"])[leaves.astype(int)])


TABLES: dict[str, Callable[[], pd.DataFrame]] = {
    "iris": lambda: bundled("iris"),
    "wine": lambda: bundled("wine"),
    "breast_cancer": lambda: bundled("breast_cancer"),
    "diabetes": lambda: bundled("diabetes"),
    "digits": lambda: bundled("digits"),
    "friedman": friedman,
    "clusters": clusters,
    "wide": wide,
    "prices": prices,
    "churn": churn,
}
"""The tables by name."""

GOAL = ("iris", "wine", "breast_cancer", "diabetes", "digits")
"""Those of the goal; the others keep the recipes from fitting these alone."""
