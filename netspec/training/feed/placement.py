"""Where arrays live and how programs over them are compiled: all that training knows about devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax

from netspec.storage.tree_paths import Tree


class Placement:
    """One device, the default of JAX.

    The engine and the loop transfer and compile through this class alone. Data-parallel training over several devices
    is a subclass: `put` replicates, `put_rows` shards the first axis, and `jit` stays as it is, since XLA inserts the
    reductions over the shards (a sum over the rows of a batch is the sum over all devices). On several hosts `get`
    gathers, and `is_writer` is true in one process only.
    """

    @property
    def description(self) -> str:
        """The device, as `netspec train` prints it."""
        return str(jax.devices()[0].device_kind)

    @property
    def is_writer(self) -> bool:
        """Whether this process writes the run folder."""
        return True

    @property
    def is_sharded(self) -> bool:
        """Whether a state is stored in parts, so that no device or process has all of it."""
        return False

    def put(self, tree: Tree) -> Tree:
        """Transfer arrays that every device needs as a whole: the state, the order of an epoch."""
        return jax.device_put(tree)

    def put_rows(self, tree: Tree) -> Tree:
        """Transfer arrays with one row per example: a split, or a batch of it."""
        return jax.device_put(tree)

    def get(self, tree: Tree) -> Tree:
        """Transfer arrays to the host."""
        return jax.device_get(tree)

    def jit(
        self,
        function: Callable[..., Any],
        *,
        donate: int | None = None,
        static: int | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compile a function of trees of arrays. `donate` is the argument whose memory the results may take, `static`
        the one that is a constant of the program, and `options` are flags of XLA."""
        return jax.jit(
            function,
            donate_argnums=() if donate is None else donate,
            static_argnums=() if static is None else static,
            compiler_options=dict(options) if options else None,
        )
