"""The placement over a mesh of devices: which device holds what, for arrays and inside programs.

Arrays are plain trees with a `NamedSharding` each; the programs are those of one device, which XLA partitions (GSPMD,
Xu et al. 2021, arXiv:2105.04663): a mean over a batch is the mean over the rows of all devices, a random mask is drawn
by position (`jax_threefry_partitionable`), so results equal those of one device up to the rounding of sums.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any

import jax
import numpy as np
from jax import lax
from jax.sharding import NamedSharding, PartitionSpec

from netspec.language.diagnostics import fail
from netspec.nn.lowering.shards import splitting
from netspec.storage.tree_paths import Tree, keys_of
from netspec.training.distributed.mesh import LOCAL, SYNC, Mesh, mesh_of
from netspec.training.distributed.rules import Axes, Path, axes_of
from netspec.training.errors import distributed as errors
from netspec.training.experiment import Experiment
from netspec.training.feed.placement import Placement
from netspec.training.recipe.recipe import Recipe

AS_WRITTEN = {"xla_disable_hlo_passes": "algsimp"}
"""Without merging the factors of products, so that initial weights are those of one device bit for bit."""


def placement_of(experiment: Experiment) -> Placement:
    """The placement that the recipe of an experiment asks for.

    Raises:
        CompileError: JAX finds fewer devices (NS578), or the mesh leaves out some of several processes (NS579).
    """
    recipe = experiment.recipe
    mesh = mesh_of(recipe.devices, recipe.mesh)
    if mesh is None and jax.process_count() > 1:
        mesh = Mesh((("data", jax.device_count()),))
    if mesh is None:
        return Placement()
    weights = experiment.split_weights(mesh) if experiment.split_weights is not None else {}
    return MeshPlacement(mesh, weights, batchnorm=recipe.batchnorm)


def check_devices(recipe: Recipe) -> None:
    """Whether there are the devices that a recipe asks for: to be called before a run folder is created.

    Raises:
        CompileError: NS578, NS579.
    """
    mesh = mesh_of(recipe.devices, recipe.mesh)
    if mesh is not None:
        _devices(mesh)


class MeshPlacement(Placement):
    """The first devices that JAX finds, as a mesh.

    Args:
        mesh: the axes.
        weights: over which of them each weight is split, by its path in the state; the others are whole.
        batchnorm: `sync` or `local`.

    Raises:
        CompileError: JAX finds fewer devices (NS578), or the mesh leaves out some of several processes (NS579).
    """

    def __init__(self, mesh: Mesh, weights: Mapping[Path, Axes] | None = None, *, batchnorm: str = SYNC) -> None:
        self.mesh, self.weights, self.batchnorm = mesh, weights or {}, batchnorm
        self.devices = jax.sharding.Mesh(np.array(_devices(mesh)).reshape(mesh.shape), mesh.names)
        self.whole = NamedSharding(self.devices, PartitionSpec())
        self.by_rows = NamedSharding(self.devices, PartitionSpec(mesh.batch_axes or None))
        self._gathered = jax.jit(lambda x: x, out_shardings=self.whole)

    @property
    def description(self) -> str:
        kind, count = self.devices.devices.flat[0].device_kind, self.mesh.size
        alone = ", batchnorm on each device for itself" if self.batchnorm == LOCAL and self.mesh.batch_parts > 1 else ""
        return f"{count} x {kind} as {self.mesh}{alone}"

    @property
    def is_writer(self) -> bool:
        return int(jax.process_index()) == 0

    @property
    def is_sharded(self) -> bool:
        return self.mesh.splits_weights

    # ------------------------------------------------------------ arrays

    def put(self, tree: Tree) -> Tree:
        return jax.tree_util.tree_map_with_path(lambda path, x: self._put(x, self.sharding_of(path, x)), tree)

    def make(self, function: Callable[[], Tree]) -> Tree:
        if not self.is_sharded:
            return super().make(function)
        shardings = jax.tree_util.tree_map_with_path(self.sharding_of, jax.eval_shape(function))
        return jax.jit(function, out_shardings=shardings, compiler_options=AS_WRITTEN)()

    def put_rows(self, tree: Tree) -> Tree:
        return jax.tree.map(lambda x: self._put(x, self._sharding_of_rows(x)), tree)

    def own_rows(self, count: int) -> Any:
        if jax.process_count() == 1:
            return slice(None)
        parts = self._sharding_of(count).addressable_devices_indices_map((count,)).values()
        return np.unique(np.concatenate([np.arange(count)[part] for part in parts]))

    def put_own_rows(self, tree: Tree, count: int) -> Tree:
        if jax.process_count() == 1:
            return self.put_rows(tree)
        sharding, rows = self._sharding_of(count), self.own_rows(count)

        def put(x: Any) -> Any:
            def part(index: Any) -> Any:
                return x[np.searchsorted(rows, np.arange(count)[index[0]])]

            return jax.make_array_from_callback((count, *x.shape[1:]), sharding, part)

        return jax.tree.map(put, tree)

    def get(self, tree: Tree) -> Tree:
        if jax.process_count() == 1:
            return jax.device_get(tree)
        return jax.tree.map(self._get, tree)  # one after the other, so that a device holds one array whole at a time

    def _get(self, x: Any) -> Any:
        if isinstance(x, jax.Array) and not (x.is_fully_addressable or x.is_fully_replicated):
            x = self._gathered(x)
        return jax.device_get(x)

    def gather(self, tree: Tree) -> Tree:
        return self.get(tree) if self.is_sharded else jax.device_put(self.get(tree))

    def sharding_of(self, path: Any, leaf: Any) -> NamedSharding:
        """How a leaf of a tree is stored."""
        return NamedSharding(self.devices, PartitionSpec(*self._axes(path, leaf)))

    def _axes(self, path: Any, leaf: Any) -> Axes:
        return axes_of(keys_of(path), leaf.shape, self.weights, self.mesh)

    def _sharding_of_rows(self, x: Any) -> NamedSharding:
        return self._sharding_of(np.shape(x)[0])

    def _sharding_of(self, rows: int) -> NamedSharding:
        return self.by_rows if rows % self.mesh.batch_parts == 0 else self.whole

    def _put(self, x: Any, sharding: NamedSharding) -> Any:
        if jax.process_count() == 1 or (isinstance(x, jax.Array) and not x.is_fully_addressable):
            return jax.device_put(x, sharding)
        if isinstance(x, jax.Array) and jax.dtypes.issubdtype(x.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(self._put(jax.random.key_data(x), self.whole), impl=jax.random.key_impl(x))
        host = np.asarray(x)  # the same in every process, each of which transfers the parts of its devices
        return jax.make_array_from_callback(host.shape, sharding, lambda index: host[index])

    # ------------------------------------------------------------ programs

    def jit(self, function: Callable[..., Any], **options: Any) -> Any:
        @wraps(function)
        def placed(*arguments: Any) -> Any:
            with splitting(self.mesh.batch_parts, is_local=self.batchnorm == LOCAL):
                return self._stored(function(*arguments))

        return super().jit(placed, **options)

    def _stored(self, tree: Tree) -> Tree:
        """Results as they are stored: those of a step have the place of the state before it, which is donated."""
        return jax.tree_util.tree_map_with_path(
            lambda path, x: lax.with_sharding_constraint(x, self.sharding_of(path, x)), tree
        )

    def split_rows(self, tree: Tree) -> Tree:
        if self.mesh.batch_parts == 1:
            return tree
        return jax.tree.map(lambda x: lax.with_sharding_constraint(x, self._sharding_of_rows(x)), tree)

    def split_weights(self, tree: Tree) -> Tree:
        return self._stored(tree) if self.mesh.splits_weights else tree

    def whole_weights(self, tree: Tree) -> Tree:
        if self.mesh.get("fsdp") == 1:
            return tree

        def gathered(path: Any, x: Any) -> Any:
            axes = (None if name == "fsdp" else name for name in self._axes(path, x))
            return lax.with_sharding_constraint(x, NamedSharding(self.devices, PartitionSpec(*axes)))

        return jax.tree_util.tree_map_with_path(gathered, tree)


def _devices(mesh: Mesh) -> list[Any]:
    """The devices of a mesh.

    Raises:
        CompileError: NS578, NS579.
    """
    devices = list(jax.devices())
    found, kind = len(devices), str(devices[0].device_kind)
    if mesh.size > found:
        case = "cpu" if devices[0].platform == "cpu" else ""
        few = errors.TooFewDevices(
            case=case, mesh=str(mesh), wanted=mesh.size, found=found, kind=kind, smaller=f"devices = {found}"
        )
        raise fail(few)
    chosen = devices[: mesh.size]
    if {device.process_index for device in chosen} != {device.process_index for device in devices}:
        unused = errors.UnusedProcess(
            mesh=str(mesh), size=mesh.size, processes=jax.process_count(), found=found, right=f"data({found})"
        )
        raise fail(unused)
    return chosen
