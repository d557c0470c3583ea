"""The emitted module beside the graph that it was emitted from."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from netspec.compiler.backend.load import load_source, network_class
from netspec.compiler.ir.graph import Graph
from netspec.language.shape import Shape
from netspec.language.source import Source
from netspec.layers.base import Layer
from netspec.spec.compilation import Compilation

BATCH = 2


def compiled(text: str) -> Compilation:
    return Compilation(Source("<spec>", text))


def has_errors(spec: Compilation) -> bool:
    return bool(spec.diagnose().errors)


def require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def shapes_of(spec: Compilation) -> Any:
    """The network without numbers: shapes only."""
    network = network_class(load_source(spec.python, "conformance"))
    return nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))


def check_module(spec: Compilation, where: str = "") -> None:
    """The emitted module has the shapes and the weights that the graph says.

    Raises:
        AssertionError: it has not.
    """
    graph = spec.graph
    assert graph is not None
    module = shapes_of(spec)
    given = [example(node.shape) for node in graph.input_nodes]
    found = nnx.eval_shape(lambda module, *inputs: module(*inputs), module, *given)
    results = [r.shape for r in (found.values() if isinstance(found, dict) else [found])]
    declared = [(BATCH, *graph.shape_of(output.edge).sizes) for output in graph.outputs]
    require(results == declared, f"{where}: gives {results}, declared {declared} (the first size is the batch)")
    live, said = variables(module), dict(declared_variables(graph, ()))
    missing = {path: said[path] for path in said.keys() - live.keys()}
    extra = {path: live[path] for path in live.keys() - said.keys()}
    require(not missing, f"{where}: `parameters` or `state` declare what the module does not have: {missing}")
    require(not extra, f"{where}: the module has what `parameters` and `state` do not declare: {extra}")
    for path, value in said.items():
        require(live[path] == value, f"{where}: {'.'.join(path)} is {live[path]}, declared {value}")


def example(shape: Shape) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((BATCH, *shape.sizes), jnp.int32 if shape.is_tokens else jnp.float32)


def variables(module: Any) -> dict[tuple[str, ...], tuple[str, tuple[int, ...]]]:
    """The variables of a live module by path: what they are, and their shapes; random keys left out."""
    found = {}
    for path, variable in nnx.to_flat_state(nnx.state(module)):
        if not isinstance(variable, nnx.RngState):
            what = {"Param": "trainable", "Frozen": "frozen"}.get(type(variable).__name__, "state")
            found[tuple(map(str, path))] = (what, variable.shape)
    return found


def declared_variables(
    graph: Graph, path: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], tuple[str, tuple[int, ...]]]]:
    for node in graph.nodes:
        if isinstance(node.operation, Graph):
            yield from declared_variables(node.operation, (*path, node.name))
        elif isinstance(node.operation, Layer):
            shapes = graph.input_shapes(node)
            what = "frozen" if node.operation.is_frozen else "trainable"
            for name, sizes in node.operation.parameters(*shapes).items():
                yield (*path, node.name, *name.split(".")), (what, sizes)
            for name, sizes in node.operation.state(*shapes).items():
                yield (*path, node.name, *name.split(".")), ("state", sizes)
