"""Trees of arrays as flat dicts with names such as `conv1/kernel`, for files; and back.

Random keys are stored as their numbers, since files have no type for keys.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypeAlias

import jax
import jax.numpy as jnp

Tree: TypeAlias = Any
"""Nested dicts of arrays."""


class Weights(NamedTuple):
    """What a network needs to predict: trained parameters, and its other state (running means, frozen weights)."""

    params: Tree
    other: Tree


def widen(tree: Tree) -> Tree:
    """The same numbers, those in bfloat16 as f32."""
    return jax.tree.map(lambda x: x.astype(jnp.float32) if x.dtype == jnp.bfloat16 else x, tree)


def _is_key(leaf: Any) -> bool:
    return bool(jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key))


def _names(paths: Iterable[Any]) -> dict[Any, str]:
    """A name for each path; those that would be equal (`{"a/b": …}` and `{"a": {"b": …}}`) are written as in Python."""
    names = {path: jax.tree_util.keystr(path, simple=True, separator="/") for path in paths}
    uses = Counter(names.values())
    return {path: name if uses[name] == 1 else jax.tree_util.keystr(path) for path, name in names.items()}


def keys_of(path: Iterable[Any]) -> tuple[str, ...]:
    """The steps of a path to a leaf, each by its name alone."""
    return tuple(jax.tree_util.keystr((part,), simple=True) for part in path)


def flatten(tree: Tree) -> dict[str, Any]:
    """The leaves by their path."""
    leaves = dict(jax.tree_util.tree_leaves_with_path(tree))
    names = _names(leaves)
    return {names[path]: jax.random.key_data(leaf) if _is_key(leaf) else leaf for path, leaf in leaves.items()}


def fill(flat: Mapping[str, Any], like: Tree) -> Tree:
    """A tree of the structure of `like` with the leaves from `flat`, as they are there.

    Raises:
        KeyError: a leaf is missing.
    """
    names = _names(path for path, _ in jax.tree_util.tree_leaves_with_path(like))
    return jax.tree_util.tree_map_with_path(lambda path, _: flat[names[path]], like)


def unflatten(flat: Mapping[str, Any], like: Tree) -> Tree:
    """The same with a copy of each array on its device, and keys where `like` has keys: a state is written into.

    Raises:
        KeyError: a leaf is missing.
    """
    return as_keys(jax.tree.map(jnp.array, fill(flat, like)), like)


def as_keys(tree: Tree, like: Tree) -> Tree:
    """A tree whose numbers are random keys where those of `like` are."""
    return jax.tree.map(
        lambda leaf, of: jax.random.wrap_key_data(leaf, impl=jax.random.key_impl(of)) if _is_key(of) else leaf,
        tree,
        like,
    )


def difference(found: Mapping[str, Any], like: Mapping[str, Any]) -> str | None:
    """The first difference of two flat trees in names or shapes, in words; None when they agree.

    Values are arrays or shapes given as lists.
    """
    for name in like:
        if name not in found:
            return f"it has no `{name}`"
        here, there = _shape_text(found[name]), _shape_text(like[name])
        if here != there:
            return f"`{name}` is {here}, not {there}"
    extra = next((name for name in found if name not in like), None)
    return None if extra is None else f"it has `{extra}`, which the network does not have"


def _shape_text(value: Any) -> str:
    return "x".join(map(str, value if isinstance(value, list) else value.shape)) or "a number"
