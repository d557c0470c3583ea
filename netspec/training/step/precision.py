"""The precision that a run computes in: the option `precision` of the section `train`.

Input: a live module and `f32`, `bf16` or `mixed`. Output: a `Precision`, and the module so changed that its layers
compute in bfloat16. A layer with its own `dtype` keeps it. Batchnorms normalize in f32 with statistics in f32, and
only their results are rounded; losses, metrics, penalties and the state of the optimizer are in f32 always. bfloat16
has the range of f32, so that no gradient vanishes for being small and losses are not scaled.

Reference: Micikevicius et al. 2017, arXiv:1710.03740; Kalamkar et al. 2019, arXiv:1905.12322.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from netspec.storage.tree_paths import Tree
from netspec.training.optimizers.layer_selection import Path, merge_trees, split_tree
from netspec.training.step.remat import wrap_calls

LOW = jnp.bfloat16


@dataclass(frozen=True)
class Precision:
    """How numbers are kept and used. `lowered` are the places of the weights that are used in bfloat16."""

    word: str
    lowered: tuple[Path, ...] = ()

    def stored(self, params: Tree) -> Tree:
        """The weights as they are kept between steps."""
        return self._lower(params) if self.word == "bf16" else params

    def used(self, params: Tree) -> Tree:
        """The weights as the layers take them."""
        return self._lower(params) if self.word != "f32" else params

    def fed(self, inputs: Iterable[Any]) -> tuple[Any, ...]:
        """The inputs as the first layers take them; whole numbers stay what they are."""
        if self.word == "f32":
            return tuple(inputs)
        return tuple(x.astype(LOW) if jnp.issubdtype(x.dtype, jnp.floating) else x for x in inputs)

    def _lower(self, params: Tree) -> Tree:
        rest, taken = split_tree(params, self.lowered)
        return merge_trees(rest, jax.tree.map(lambda x: x.astype(LOW), taken))


def lower_precision(module: nnx.Module, word: str) -> Precision:
    """Let the layers of a live module compute in the precision of a run.

    Args:
        module: the network; it is changed in place unless `word` is `f32`.
        word: `f32`, `bf16` (weights too) or `mixed` (weights in f32).
    """
    if word == "f32":
        return Precision(word)
    kept: set[int] = set()
    for _, part in list(nnx.iter_modules(module)):
        if getattr(part, "dtype", None) is not None:
            kept |= _weights_in(part)
        elif isinstance(part, nnx.BatchNorm):
            kept |= _weights_in(part)
            wrap_calls(part, _rounded)
        elif hasattr(part, "dtype"):
            part.dtype = LOW
    weights = [(path, part) for path, part in nnx.iter_graph(module) if isinstance(part, nnx.Param)]
    return Precision(
        word, tuple(tuple(path) for path, x in weights if id(x) not in kept and jnp.issubdtype(x.dtype, jnp.floating))
    )


def _weights_in(part: nnx.Module) -> set[int]:
    return {id(x) for _, x in nnx.iter_graph(part) if isinstance(x, nnx.Variable)}


def _rounded(call: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(call)
    def rounded(*args: Any, **kwargs: Any) -> Any:
        return call(*args, **kwargs).astype(LOW)

    return rounded
