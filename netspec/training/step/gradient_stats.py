"""What gradients do in an epoch: the option `watch` of the section `train`.

Input: gradient and update of every step. Goes out, for the network and for each layer or block that it calls: the
mean norm of the gradients, that of the updates, and the gradient noise scale, in examples: the batch size at which
noise and signal are equally large. Nothing of this changes what is trained.

The noise scale is tr(S) / |G|^2 with the covariance S of the gradients of single examples and the true gradient G. Both
come from consecutive steps, whose gradients g and g' are of two batches at nearly the same weights: |G|^2 is the mean
of g * g', and tr(S) the mean of b (|g|^2 - |G|^2) over batches of b examples. This is the estimate of the paper for
batches of b and 2b.

Reference: McCandlish et al. 2018, An empirical model of large-batch training, arXiv:1812.06162, appendix A.1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from netspec.storage.tree_paths import Tree

TOTAL = "total"
"""The name of the whole network among those of the layers."""
_SUMS = ("gradient", "update", "square", "both")


def first_watch(trained: Tree) -> Tree:
    """The state before the first step, for weights that are trained (in f32): the gradient before, and empty sums."""
    zeros = jax.tree.map(jnp.zeros_like, trained)
    return {"before": zeros, "is_first": jnp.bool_(True), "sums": empty_sums(zeros)}


def empty_sums(gradient: Tree) -> Tree:
    """The sums of an epoch before its first step; `gradient` says which parts there are."""
    sums = {name: np.zeros(len(gradient) + 1, np.float32) for name in _SUMS}
    return {**sums, "steps": np.int32(0), "examples": np.int32(0), "pairs": np.int32(0)}


def watch_step(watched: Tree, gradient: Tree, updates: Tree, examples: int) -> Tree:
    """The state after a step with this gradient, over `examples` examples."""
    norm, change = _squares(gradient, gradient), _squares(updates, updates)
    pairs = jnp.where(watched["is_first"], 0, 1)
    found = {
        "gradient": jnp.sqrt(norm),
        "update": jnp.sqrt(change),
        "square": norm * examples,
        "both": _squares(gradient, watched["before"]),  # 0 for the first step of all
        "steps": 1,
        "examples": examples,
        "pairs": pairs,
    }
    sums = {name: value + jnp.asarray(found[name], value.dtype) for name, value in watched["sums"].items()}
    return {"before": gradient, "is_first": jnp.bool_(False), "sums": sums}


def _squares(one: Tree, other: Tree) -> Any:
    """The inner products of two trees: the whole, then part by part in the order of their names."""
    parts = [optax.tree.vdot(one[name], other[name]) for name in sorted(one)]
    return jnp.stack([jnp.sum(jnp.stack(parts)), *parts]).astype(jnp.float32)


def gradient_metrics(sums: Mapping[str, Any], layers: Iterable[str]) -> dict[str, dict[str, float | None]]:
    """`{"total": {"gradient_norm", "update_norm", "noise_scale"}, "conv1": …}` of an epoch.

    `noise_scale` is None where it cannot be estimated: there was no step before, or the noise hides the gradient.
    `sums` are those of the state, on the host; `layers` the names of the layers and blocks, as in the gradient.
    """
    steps = max(1, int(sums["steps"]))
    return {
        name: {
            "gradient_norm": float(sums["gradient"][i]) / steps,
            "update_norm": float(sums["update"][i]) / steps,
            "noise_scale": _noise_scale(sums, i),
        }
        for i, name in enumerate((TOTAL, *sorted(layers)))
    }


def _noise_scale(sums: Mapping[str, Any], part: int) -> float | None:
    pairs, steps = int(sums["pairs"]), int(sums["steps"])
    signal = float(sums["both"][part]) / pairs if pairs else 0.0
    if signal <= 0:
        return None
    spread = (float(sums["square"][part]) - float(sums["examples"]) * signal) / steps
    return max(0.0, spread / signal)
