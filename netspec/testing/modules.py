"""The emitted module beside the graph that it was emitted from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
KINDS = {"Param": "trainable", "Frozen": "frozen"}

Variable = tuple[str, tuple[int, ...]]
Variables = dict[tuple[str, ...], Variable]
"""By path: trainable, frozen or state, and the shape."""


def compiled(text: str) -> Compilation:
    return Compilation(Source("<spec>", text))


def has_errors(spec: Compilation) -> bool:
    return bool(spec.diagnose().errors)


def require(condition: bool, message: str) -> None:
    if not condition:
        raise AssertionError(message)


def trace(spec: Compilation, *batches: Sequence[Any]) -> tuple[Variables, list[Any]]:
    """The variables of the emitted network, and what it returns for each batch of inputs: shapes and types only."""
    network = network_class(load_source(spec.python, "conformance"))
    live: Variables = {}

    def run(batches: Sequence[Sequence[Any]]) -> list[Any]:
        module = network(rngs=nnx.Rngs(0))
        live.update(variables(module))
        return [module(*inputs) for inputs in batches]

    return live, jax.eval_shape(run, batches)


def check_module(spec: Compilation, where: str = "") -> None:
    """The emitted module has the shapes and the variables that the graph declares.

    Raises:
        AssertionError: it does not.
    """
    graph = spec.graph
    assert graph is not None
    live, (outputs,) = trace(spec, [example(node.shape) for node in graph.input_nodes])
    actual = [r.shape for r in (outputs.values() if isinstance(outputs, dict) else [outputs])]
    declared = [(BATCH, *graph.shape_of(output.edge).sizes) for output in graph.outputs]
    require(actual == declared, f"{where}: gives {actual}, declared {declared} (the first size is the batch)")
    said = dict(declared_variables(graph, ()))
    missing = {path: said[path] for path in said.keys() - live.keys()}
    extra = {path: live[path] for path in live.keys() - said.keys()}
    require(not missing, f"{where}: `parameters` or `state` declare what the module does not have: {missing}")
    require(not extra, f"{where}: the module has what `parameters` and `state` do not declare: {extra}")
    for path, value in said.items():
        require(live[path] == value, f"{where}: {'.'.join(path)} is {live[path]}, declared {value}")


def example(shape: Shape) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((BATCH, *shape.sizes), jnp.int32 if shape.is_tokens else jnp.float32)


def variables(module: Any) -> Variables:
    """The variables of a live module by path: what they are, and their shapes; without the state of random numbers."""
    return {
        tuple(map(str, path)): (KINDS.get(type(variable).__name__, "state"), variable.shape)
        for path, variable in nnx.to_flat_state(nnx.state(module))
        if not isinstance(variable, nnx.RngState)
    }


def declared_variables(graph: Graph, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Variable]]:
    for node in graph.nodes:
        if isinstance(node.operation, Graph):
            yield from declared_variables(node.operation, (*path, node.name))
        elif isinstance(node.operation, Layer):
            shapes = graph.input_shapes(node)
            declared = {"frozen" if node.operation.is_frozen else "trainable": node.operation.parameters(*shapes)}
            for kind, sizes_by_name in {**declared, "state": node.operation.state(*shapes)}.items():
                for name, sizes in sizes_by_name.items():
                    yield (*path, node.name, *name.split(".")), (kind, sizes)
