"""How far predicted numbers are from the true ones."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from netspec.data.dataset.lazy_rows import Array

MAX_BINS = 40


def histogram(values: Array) -> tuple[Array, Array]:
    """Counts in bins of equal width, and the edges of these; the width is that of Freedman and Diaconis 1981, On the
    histogram as a density estimator, with at most `MAX_BINS` bins."""
    values = np.asarray(values, np.float64)
    edges = np.histogram_bin_edges(values, bins=min(MAX_BINS, _bin_count(values)))
    return np.histogram(values, bins=edges)[0], edges


def _bin_count(values: Array) -> int:
    low, high = np.quantile(values, [0.25, 0.75])
    width = 2 * (high - low) / len(values) ** (1 / 3)
    extent = float(values.max() - values.min())
    return int(min(MAX_BINS, np.ceil(extent / width))) if width > 0 and extent > 0 else 10


def normal_quantiles(values: Array, limit: int = 200) -> tuple[Array, Array]:
    """The points of a Q-Q plot: quantiles of the normal distribution at (i - 0.5) / n, and the sorted values in units
    of their standard deviation from their mean; of more than `limit` some, the outermost among them."""
    ranked = np.sort(np.asarray(values, np.float64))
    count = len(ranked)
    chosen = np.unique(np.linspace(0, count - 1, min(count, limit)).round().astype(int))
    inverse = NormalDist().inv_cdf
    theory = np.array([inverse((i + 0.5) / count) for i in chosen.tolist()])
    return theory, (ranked[chosen] - ranked.mean()) / (ranked.std() or 1.0)
