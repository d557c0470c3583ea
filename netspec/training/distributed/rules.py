"""Which axes of a mesh the axes of each weight are split over, by rules on the graph.

Over `model`, a layer is split where what it computes can be: the columns of a dense layer and then the rows of the next
one, so that nothing is exchanged between the two (Shoeybi et al. 2019, Megatron-LM, arXiv:1909.08053, section 3);
convolutions alike, by filters and input channels; the heads of attention; the rows of an embedding, or its columns; the
columns of recurrent layers. Over `fsdp`, the largest axis that is left and divides. What does not divide is whole on
every device. Any choice gives the same numbers up to rounding: it decides about memory and communication alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod
from typing import TypeAlias

from netspec.compiler.ir.cost import rows
from netspec.compiler.ir.graph import Edge, Graph, Node
from netspec.layers.base import Layer
from netspec.layers.dense import Dense, Embedding
from netspec.layers.norm import BatchNorm
from netspec.layers.sequence.attention import Attention
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Recurrent
from netspec.layers.sequence.unembed import TiedOutput
from netspec.layers.spatial.conv import Filtering
from netspec.layers.spatial.transposed_conv import Upconv
from netspec.training.distributed.mesh import Mesh

Path: TypeAlias = tuple[str, ...]
Axes: TypeAlias = tuple[str | None, ...]
"""For each axis of an array the axis of the mesh that it is split over, or None."""

MIN_SPLIT = 1024
"""Weights with fewer numbers are not split over `fsdp`: gathering them takes longer than their memory is worth."""


def weight_axes(graph: Graph, mesh: Mesh) -> dict[Path, Axes]:
    """How every weight of a network is split, its other state (running means) too.

    Args:
        graph: the network, every shape known.
        mesh: the devices.

    Returns:
        The axes by the path of the weight: the names of the blocks and of the layer, then that in the layer.
    """
    by_model = _by_model(graph, mesh.get("model"))
    found: dict[Path, Axes] = {}
    for row in rows(graph):
        if row.is_shared_again:
            continue
        for name, shape in row.sizes.items():
            path = (*row.path, *name.split("."))
            axes = by_model.get(path, (None,) * len(shape))
            found[path] = with_fsdp(shape, axes, mesh.get("fsdp"))
    return found


def with_fsdp(shape: tuple[int, ...], axes: Axes, devices: int) -> Axes:
    """These axes, with the largest one that is whole and divides split over `fsdp`, if the array is large."""
    if devices == 1 or prod(shape) < MIN_SPLIT:
        return axes
    fits = [(size, -i) for i, size in enumerate(shape) if axes[i] is None and size % devices == 0]
    if not fits:
        return axes
    chosen = -max(fits)[1]
    return tuple("fsdp" if i == chosen else name for i, name in enumerate(axes))


def axes_of(path: Path, shape: tuple[int, ...], weights: Mapping[Path, Axes], mesh: Mesh) -> Axes:
    """How an array of a state is split: as a weight, where its path ends in that of the weight and it has its shape (a
    gradient, an average, a moment of the optimizer); otherwise it is whole."""
    axes = next((weights[path[start:]] for start in range(len(path)) if path[start:] in weights), ())
    fits = len(axes) == len(shape) and all(
        name is None or size % mesh.get(name) == 0 for name, size in zip(axes, shape, strict=True)
    )
    return axes if fits else ()


# ---------------------------------------------------------------- over `model`


def _by_model(graph: Graph, devices: int) -> dict[Path, Axes]:
    found: dict[Path, Axes] = {}
    if devices > 1:
        _walk(graph, (), (False,) * len(graph.inputs), devices, found)
    return found


def _walk(graph: Graph, path: Path, given: tuple[bool, ...], devices: int, found: dict[Path, Axes]) -> tuple[bool, ...]:
    """Add the weights of a block, for inputs whose channels are split or not; whether those of its outputs are."""
    split: dict[Edge, bool] = {Edge(index): is_split for index, is_split in zip(graph.inputs, given, strict=True)}
    for index, node in enumerate(graph.nodes):
        here, inputs = (*path, node.name), tuple(split.get(edge, False) for edge in node.inputs)
        if isinstance(node.operation, Graph):
            for port, is_split in enumerate(_walk(node.operation, here, inputs, devices, found)):
                split[Edge(index, port)] = is_split
        elif isinstance(node.operation, Layer):
            weights, is_split = _of_layer(graph, node, all(inputs) and bool(inputs), devices)
            for name, axes in weights.items():
                found.setdefault((*here, *name.split(".")), axes)  # shared weights: as at their first use
            split[Edge(index)] = is_split
    return tuple(split.get(output.edge, False) for output in graph.outputs)


def _of_layer(graph: Graph, node: Node, is_split: bool, devices: int) -> tuple[dict[str, Axes], bool]:
    """How the weights of a layer are split, and whether the channels of its result are; the other weights are whole."""
    layer, shapes = node.operation, graph.input_shapes(node)
    assert isinstance(layer, Layer)
    sizes = layer.parameters(*shapes)
    if isinstance(layer, Dense | Filtering | Upconv):
        groups = layer.group_count(shapes[0]) if isinstance(layer, Filtering) else 1
        return _linear(sizes, layer.output_axis or -1, is_split, devices, groups)
    if isinstance(layer, Attention):
        return _attention(layer, sizes, devices), False
    if isinstance(layer, Embedding):
        return _embedding(sizes, devices), False
    if isinstance(layer, TiedOutput):
        return {}, False
    if isinstance(layer, Recurrent):
        return _recurrent(layer, sizes, devices), False
    if isinstance(layer, Bidirectional):
        return _recurrent(layer.layer, sizes, devices), False
    if isinstance(layer, BatchNorm) and is_split:
        return dict.fromkeys({**sizes, **layer.state(*shapes)}, ("model",)), True
    keeps = not sizes and all(shape.rank > 0 and shape.channels == node.shape.channels for shape in shapes)
    return {}, is_split and keeps


def _linear(
    sizes: dict[str, tuple[int, ...]], output: int, is_split: bool, devices: int, groups: int
) -> tuple[dict[str, Axes], bool]:
    """A linear map with `kernel` and `bias`: by input channels where these arrive split, otherwise by output channels.

    The groups of a convolution are divided, too, so that every device has whole ones.
    """
    kernel, rank = sizes["kernel"], len(sizes["kernel"])
    outputs, inputs = rank + output, rank - 3 - output  # the last two axes, in either order
    if groups == 1 and is_split and kernel[inputs] % devices == 0:
        return {"kernel": _at(rank, inputs)}, False
    if kernel[outputs] % devices == 0 and (groups == 1 or groups % devices == 0):
        bias: dict[str, Axes] = {"bias": ("model",)} if "bias" in sizes else {}
        return {"kernel": _at(rank, outputs), **bias}, True
    return {}, False


def _at(rank: int, index: int) -> Axes:
    return tuple("model" if i == index else None for i in range(rank))


def _attention(layer: Attention, sizes: dict[str, tuple[int, ...]], devices: int) -> dict[str, Axes]:
    """Whole heads on every device: the columns of the first three projections, the rows of the last one."""
    found: dict[str, Axes] = {}
    kv_heads = layer.kv_heads or layer.heads
    for name in sizes:
        part, kind = name.split(".")
        if layer.heads % devices or (part in ("key", "value") and kv_heads % devices):
            continue
        if part != "out":
            found[name] = (None, "model") if kind == "kernel" else ("model",)
        elif kind == "kernel":
            found[name] = ("model", None)
    return found


def _embedding(sizes: dict[str, tuple[int, ...]], devices: int) -> dict[str, Axes]:
    vocabulary, features = sizes["embedding"]
    if vocabulary % devices == 0:
        return {"embedding": ("model", None)}
    return {"embedding": (None, "model")} if features % devices == 0 else {}


def _recurrent(layer: Recurrent, sizes: dict[str, tuple[int, ...]], devices: int) -> dict[str, Axes]:
    """The columns of both kernels, which are those of the gates."""
    if layer.units % devices:
        return {}
    return {name: (*(None,) * (len(shape) - 1), "model") for name, shape in sizes.items()}
