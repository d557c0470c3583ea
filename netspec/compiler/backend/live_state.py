"""The arrays of a live module, read at every call without walking through it.

`nnx.state` walks over the whole module in Python, half a millisecond for five layers, which is more than a small
network takes to predict. Here it is walked once; after that the variables are asked directly, as long as no module or
variable has been replaced.
"""

from __future__ import annotations

from typing import Any

import jax
from flax import nnx


class LiveState:
    """The state of a module as `nnx.state` gives it.

    Args:
        module: what people hold, and may change between two calls.
    """

    def __init__(self, module: Any) -> None:
        self.module = module
        self._places: list[tuple[dict[str, Any], str, Any]] = []
        self._variables: list[Any] = []
        self._tree: Any = None

    def read(self) -> tuple[list[Any], Any]:
        """The arrays, and the structure (`jax.tree.unflatten`) of the tree that they form."""
        if self._tree is None or any(owner.get(name) is not part for owner, name, part in self._places):
            self._walk()
        return [variable.get_raw_value() for variable in self._variables], self._tree

    def _walk(self) -> None:
        state = nnx.state(self.module)
        leaves, self._tree = jax.tree.flatten(state)
        parts = dict(nnx.iter_graph(self.module))
        self._variables = [parts[path] for path, _ in nnx.to_flat_state(state)]
        assert len(leaves) == len(self._variables), "a variable of this network holds one array"
        modules = [part for part in parts.values() if isinstance(part, nnx.Module)]
        self._places = [
            (vars(owner), name, part)
            for owner in modules
            for name, part in vars(owner).items()
            if isinstance(part, nnx.Module | nnx.Variable | list)
        ]
