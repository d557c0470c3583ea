"""Where arrays live and how programs over them are compiled: all that training knows about devices."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax

from netspec.storage.tree_paths import Tree


class Placement:
    """One device, the default of JAX.

    The engine and the loop transfer and compile through this class alone. Training over several devices is a subclass,
    `MeshPlacement` (netspec/training/distributed/placement.py).
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

    # ------------------------------------------------------------ arrays

    def put(self, tree: Tree) -> Tree:
        """Transfer arrays: weights and what belongs to them as they are split, everything else whole: the rest of the
        state, a split, the order of an epoch."""
        return jax.device_put(tree)

    def put_rows(self, tree: Tree) -> Tree:
        """Transfer a batch: arrays with one row per example."""
        return jax.device_put(tree)

    def own_rows(self, count: int) -> Any:
        """Which of `count` rows the devices of this process hold: an index into them."""
        return slice(None)

    def put_own_rows(self, tree: Tree, count: int) -> Tree:
        """Transfer arrays of `count` rows, of which each process has only its `own_rows`."""
        return self.put_rows(tree)

    def get(self, tree: Tree) -> Tree:
        """Transfer arrays to the host, whole."""
        return jax.device_get(tree)

    def gather(self, tree: Tree) -> Tree:
        """Arrays as those of one device, for what is done with weights after training."""
        return tree

    # ------------------------------------------------------------ programs

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

    def split_rows(self, tree: Tree) -> Tree:
        """In a program: a batch, each device with its rows."""
        return tree

    def whole_weights(self, tree: Tree) -> Tree:
        """In a program: weights as the layers use them, gathered where they are stored in parts."""
        return tree

    def split_weights(self, tree: Tree) -> Tree:
        """In a program: weights and what belongs to them (gradients, the state of the optimizer) as they are stored."""
        return tree
