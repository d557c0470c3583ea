"""Which layer of a compiled network is which step of the sketch that its text was written from; its weights.

Both are walked from their outputs back to their inputs at the same time: each layer reads its inputs in the same order.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netspec.compiler.ir.graph import Edge, Graph, Input, Node, SharedModule
from netspec.interchange.errors import NotAModel
from netspec.interchange.reading.options import settings_of
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.diagnostics import CompileError, fail
from netspec.language.record import Frozen
from netspec.language.shape import Shape
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer
from netspec.spec.model import Model
from netspec.storage.weights import STATE, flat_weights, put_weights, weights_of


class LayerWeights(Frozen):
    """The weights of a layer whose network has a text already.

    `name` is what the file calls it, for messages; `arrays` are by the names of `layer.parameters` and `layer.state`,
    in the layout of these.
    """

    name: str
    arrays: Mapping[str, Any]


@dataclass(eq=False)
class _Placed:
    """A layer or an input of the compiled network, out of its blocks: its path, what it reads, and the path to its
    weights, which is another one where these are shared."""

    path: tuple[str, ...]
    node: Node
    inputs: list[_Placed]
    weights: tuple[str, ...]


def give_weights(model: Model, sketch: Sketch) -> dict[str, Any]:
    """Give a model the weights of the sketch that its text was written from; returns them by name, as in files.

    Raises:
        CompileError: the weights have other shapes than the layers (NS474).
        ValueError: the text says something else than the sketch.
    """
    places = model.weight_places()
    expected = flat_weights(weights_of(model.module))
    arrays: dict[str, Any] = {}
    for path, step in align(model.graph, sketch).items():
        for name, array in ({} if step.shared else step.weights).items():
            place = "/".join(places[(*path, *name.split("."))])
            arrays[place if place in expected else STATE + place] = np.asarray(array, np.float32)
    put_weights(model.module, arrays, sketch.name)
    return arrays


def give_in_order(model: Model, layers: Sequence[LayerWeights], file: str, format: str) -> dict[str, Any]:
    """Give a model weights that are in the order of its layers; returns them by name, as in files.

    Raises:
        CompileError: the layers have other weights, or weights of other sizes (NS570).
    """
    places = model.weight_places()
    expected = flat_weights(weights_of(model.module))
    arrays: dict[str, Any] = {}
    wanted = list(_weighted(model.graph, (), set()))
    for (path, shapes), given in zip(wanted, layers, strict=False):
        sizes = {name: tuple(array.shape) for name, array in given.arrays.items()}
        if sizes != shapes:
            raise _other(file, format, f"`{given.name}` has {_sizes(sizes)}, where the network has {_sizes(shapes)}")
        for name, array in given.arrays.items():
            place = "/".join(places[(*path, *name.split("."))])
            arrays[place if place in expected else STATE + place] = np.asarray(array, np.float32)
    if len(wanted) != len(layers):
        raise _other(file, format, f"there are weights for {len(layers)} layers, where the network has {len(wanted)}")
    put_weights(model.module, arrays, file)
    return arrays


def _other(file: str, format: str, reason: str) -> CompileError:
    advice = "it is a variant of the network that netspec does not know"
    return fail(NotAModel(file=file, format=format, reason=reason, advice=advice))


def _sizes(shapes: Mapping[str, tuple[int, ...]]) -> str:
    return ", ".join(f"{name} {'x'.join(map(str, shape)) or 'of one number'}" for name, shape in shapes.items())


def _weighted(
    graph: Graph, path: tuple[str, ...], seen: set[int]
) -> Iterator[tuple[tuple[str, ...], dict[str, tuple[int, ...]]]]:
    """The path of each layer with weights, in the order of the text, and the shapes of these; shared ones once."""
    for node in graph.nodes:
        here = (*path, node.name)
        if node.shared is not None:
            if id(node.shared) in seen:
                continue
            seen.add(id(node.shared))
        if isinstance(node.operation, Graph):
            yield from _weighted(node.operation, here, seen)
        elif isinstance(node.operation, Layer):
            shapes = graph.input_shapes(node)
            found = {**node.operation.parameters(*shapes), **node.operation.state(*shapes)}
            if found:
                yield here, found


def align(graph: Graph, sketch: Sketch) -> dict[tuple[str, ...], Step]:
    """The step of each layer, by the layer's path.

    Raises:
        ValueError: the network is not that of the sketch.
    """
    inputs = [_Placed((node.name,), node, [], (node.name,)) for node in graph.input_nodes]
    if [node.shape for node in graph.input_nodes] != [step.shape for step in sketch.inputs]:
        raise ValueError("the inputs have other shapes than those of the file")
    places = dict(zip(map(id, inputs), map(id, sketch.inputs), strict=True))
    found: dict[tuple[str, ...], Step] = {}
    ends = _Flattener().flat(graph, inputs, (), ())
    pairs = list(zip(ends, (step for _, step in sketch.outputs), strict=True))
    seen: dict[int, tuple[_Placed, Step]] = {}
    while pairs:
        placed, step = _moved(*pairs.pop())
        if id(placed) in seen and seen[id(placed)][1] is step:
            continue
        if id(placed) in seen or (step.is_input and places.get(id(placed)) != id(step)):
            raise ValueError(f"{'/'.join(placed.path)} stands for several layers of the file")
        seen[id(placed)] = (placed, step)
        _check(placed, step)
        if step.shared is None or placed.path not in found:
            found[placed.path] = step
        pairs += zip(placed.inputs, step.inputs, strict=True)
    _check_sharing(seen.values())
    return found


def _check_sharing(pairs: Iterable[tuple[_Placed, Step]]) -> None:
    """Whether the same layers have the same weights."""
    weights = {id(step): placed.weights for placed, step in pairs}
    owners: dict[tuple[str, ...], Step] = {}
    for placed, step in pairs:
        if not _weights_of(step):
            continue
        root = step if step.shared is None else step.shared
        if owners.setdefault(placed.weights, root) is not root or weights.get(id(root)) != placed.weights:
            raise ValueError(f"{'/'.join(placed.path)} has the weights of another layer")


def _weights_of(step: Step) -> bool:
    shapes = [i.shape for i in step.inputs]
    return step.layer is not None and bool(step.layer.parameters(*shapes) or step.layer.state(*shapes))


def _moved(placed: _Placed, step: Step) -> tuple[_Placed, Step]:
    """Past layers that do nothing, which the other side may not have."""
    while isinstance(placed.node.operation, Layer) and placed.node.operation.is_identity:
        placed = placed.inputs[0]
    while step.layer is not None and step.layer.is_identity:
        step = step.inputs[0]
    return placed, step


def _check(placed: _Placed, step: Step) -> None:
    operation, layer = placed.node.operation, step.layer
    if isinstance(operation, Layer) and layer is not None and type(operation) is type(layer):
        shapes = [before.node.shape for before in placed.inputs]
        is_equal = shapes == [before.shape for before in step.inputs] and _is_same(operation, layer, shapes[0])
    else:
        is_equal = isinstance(operation, Input) and step.is_input
    if not is_equal or placed.node.shape != step.shape:
        here = operation.to_source() if isinstance(operation, Layer) else "input"
        there = layer.to_source() if layer is not None else "input"
        path = "/".join(placed.path)
        raise ValueError(f"{path} is {here} ({placed.node.shape}), where the file has {there} ({step.shape})")


def _is_same(one: Layer, other: Layer, x: Shape) -> bool:
    """Whether two layers of one kind compute the same from a tensor of this shape."""
    if isinstance(one, ActivationLayer) and isinstance(other, ActivationLayer):
        return one.activation == other.activation
    return settings_of(one, x) == settings_of(other, x)


class _Flattener:
    """Opens the blocks of a network."""

    def __init__(self) -> None:
        self.holders: dict[object, object] = {}
        """By the identity of a block, the use of it that is being opened: each has its own shared layers."""
        self.first: dict[tuple[object, SharedModule], tuple[str, ...]] = {}

    def flat(
        self, graph: Graph, feeds: Sequence[_Placed], path: tuple[str, ...], weights: tuple[str, ...]
    ) -> list[_Placed]:
        """What the outputs of a block are computed from, where its inputs are `feeds`, and `weights` the path to those
        of the block."""
        before = self.holders.get(graph.identity)
        self.holders[graph.identity] = object()
        ends: dict[Edge, _Placed] = {Edge(i): feed for i, feed in zip(graph.inputs, feeds, strict=True)}
        for index, node in enumerate(graph.nodes):
            if isinstance(node.operation, Input):
                continue
            inputs = [ends[edge] for edge in node.inputs]
            here, place = (*path, node.name), (*weights, node.name)
            if node.shared is not None:
                place = self.first.setdefault((self.holders[node.shared.owner], node.shared), place)
            if isinstance(node.operation, Graph):
                made = self.flat(node.operation, inputs, here, place)
            else:
                made = [_Placed(here, node, inputs, place)]
            ends |= {Edge(index, port): end for port, end in enumerate(made)}
        self.holders[graph.identity] = before
        return [ends[output.edge] for output in graph.outputs]
