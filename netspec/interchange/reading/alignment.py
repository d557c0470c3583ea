"""Which layer of a compiled network is which step of the sketch that its text was written from; its weights.

Both are walked from their outputs back to their inputs at the same time: each layer reads its inputs in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from netspec.compiler.ir.graph import Edge, Graph, Input, Node
from netspec.interchange.errors import NotAModel
from netspec.interchange.reading.foreign import LayerWeights
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.diagnostics import CompileError, fail
from netspec.layers.base import Layer
from netspec.spec.model import Model
from netspec.storage.weights import STATE, flat_weights, put_weights, weights_of


@dataclass(eq=False)
class _Placed:
    """A layer or an input of the compiled network, out of its blocks: its path, and what it reads."""

    path: tuple[str, ...]
    node: Node
    inputs: list[_Placed]


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
    inputs = [_Placed((node.name,), node, []) for node in graph.input_nodes]
    found: dict[tuple[str, ...], Step] = {}
    pairs = list(zip(_flat(graph, inputs, ()), (step for _, step in sketch.outputs), strict=True))
    seen: set[tuple[int, int]] = set()
    while pairs:
        placed, step = _moved(*pairs.pop())
        if (id(placed), id(step)) in seen:
            continue
        seen.add((id(placed), id(step)))
        _check(placed, step)
        found[placed.path] = step
        pairs += zip(placed.inputs, step.inputs, strict=True)
    return found


def _moved(placed: _Placed, step: Step) -> tuple[_Placed, Step]:
    """Past layers that do nothing, which the other side may not have."""
    while isinstance(placed.node.operation, Layer) and placed.node.operation.is_identity:
        placed = placed.inputs[0]
    while step.layer is not None and step.layer.is_identity:
        step = step.inputs[0]
    return placed, step


def _check(placed: _Placed, step: Step) -> None:
    operation = placed.node.operation
    here = operation.to_source() if isinstance(operation, Layer) else "input"
    there = step.layer.to_source() if step.layer is not None else "input"
    if type(operation) is not (Input if step.layer is None else type(step.layer)) or placed.node.shape != step.shape:
        path = "/".join(placed.path)
        raise ValueError(f"{path} is {here} ({placed.node.shape}), where the file has {there} ({step.shape})")


def _flat(graph: Graph, feeds: Sequence[_Placed], path: tuple[str, ...]) -> list[_Placed]:
    """What the outputs of a block are computed from, where its inputs are `feeds`."""
    ends: dict[Edge, _Placed] = {Edge(i): feed for i, feed in zip(graph.inputs, feeds, strict=True)}
    for index, node in enumerate(graph.nodes):
        if isinstance(node.operation, Input):
            continue
        inputs = [ends[edge] for edge in node.inputs]
        here = (*path, node.name)
        made = (
            _flat(node.operation, inputs, here) if isinstance(node.operation, Graph) else [_Placed(here, node, inputs)]
        )
        ends |= {Edge(index, port): end for port, end in enumerate(made)}
    return [ends[output.edge] for output in graph.outputs]
