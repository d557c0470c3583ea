"""The inference form of a live network: fewer layers with different weights, and the same predictions.

Input: the graph after `for_inference`, the class that is emitted for it, and a module of the trained form. Output:
a module of the inference form, into whose kernels and biases the running statistics of merged batchnorms are worked.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from netspec.compiler.ir.graph import Graph, Node
from netspec.layers.base import Layer
from netspec.layers.norm import BatchNorm
from netspec.nn.lowering.choice import compiler_options


def fold_module(graph: Graph, network: Any, trained: Any) -> Any:
    """A module of the inference form with the weights of a trained one; both give the same predictions, up to rounding.

    Args:
        graph: the network after `for_inference`.
        network: the class emitted for it.
        trained: a module of the network before `for_inference`.
    """
    module = nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))
    _fold_block(graph, trained, module, set())
    module.eval()
    return module


def _fold_block(block: Graph, trained: Any, module: Any, done: set[int]) -> None:
    """Give a block its weights. `done` has the modules that are finished: a shared one occurs more than once."""
    for node in block.nodes:
        operation = node.operation
        if isinstance(operation, Layer) and operation.module(*block.input_shapes(node)) is None:
            continue
        if not isinstance(operation, Layer | Graph):
            continue
        inner = getattr(module, node.name)
        if id(inner) in done:
            continue
        done.add(id(inner))
        if isinstance(operation, Graph):
            _fold_block(operation, getattr(trained, node.name), inner, done)
        elif node.absorbed:
            _fold_layer(node, operation, trained, inner)
        else:
            nnx.update(inner, nnx.state(getattr(trained, node.name)))


def _fold_layer(node: Node, layer: Layer, trained: Any, module: Any) -> None:
    """Work batchnorms into the layer before them.

    f (W x + b - mean) + offset = (f W) x + (f (b - mean) + offset), with f = scale / sqrt(var + epsilon)
    """
    assert layer.output_axis is not None
    before = getattr(trained, node.name)
    kernel = np.moveaxis(_numbers(before.kernel), layer.output_axis, -1)
    bias = _numbers(before.bias) if before.bias is not None else np.zeros(kernel.shape[-1])
    for absorbed in node.absorbed:
        assert isinstance(absorbed.operation, BatchNorm)
        norm = getattr(trained, absorbed.name)
        factor = 1 / np.sqrt(_numbers(norm.var) + absorbed.operation.epsilon)
        if norm.scale is not None:
            factor = factor * _numbers(norm.scale)
        kernel = kernel * factor
        bias = (bias - _numbers(norm.mean)) * factor
        if norm.bias is not None:
            bias = bias + _numbers(norm.bias)
    kernel = np.moveaxis(kernel, -1, layer.output_axis)
    module.kernel.set_value(jnp.asarray(kernel, module.kernel.dtype))
    module.bias.set_value(jnp.asarray(bias, module.bias.dtype))


def _numbers(variable: Any) -> Any:
    """The values in double precision, so that folding rounds once."""
    return np.asarray(variable[...], np.float64)


def inference_program(definition: Any, tree: Any) -> Any:
    """The compiled function from the arrays of a module, and a tuple of its inputs, to its outputs.

    Args:
        definition: the static half of the module.
        tree: the structure of the tree of arrays. It is flattened once, and not at each call, which would take as long
            as a small network.
    """

    def predict(arrays: list[Any], inputs: tuple[Any, ...]) -> Any:
        return nnx.merge(definition, jax.tree.unflatten(tree, arrays))(*inputs)

    return jax.jit(predict, compiler_options=compiler_options(inference=True))


class FoldedForm:
    """What predicts in place of a module: folded again only when the arrays of the module have changed.

    Args:
        make: makes the module of the inference form from the weights as they are now.
    """

    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make
        self.seen: list[Any] = []
        self.arrays: list[Any] = []
        self.program: Any = None

    def of(self, leaves: list[Any]) -> tuple[Any, list[Any]] | None:
        """The program and its arrays for a module with these arrays.

        None if the arrays may change: those of NumPy may be written into, and tracers of JAX have no values yet.
        """
        if not all(isinstance(leaf, jax.Array) and not isinstance(leaf, jax.core.Tracer) for leaf in leaves):
            return None
        is_same = len(leaves) == len(self.seen) and all(r() is a for r, a in zip(self.seen, leaves, strict=True))
        if self.program is None or not is_same:
            definition, state = nnx.split(self.make())
            self.arrays, tree = jax.tree.flatten(state)
            self.program = self.program or inference_program(definition, tree)
            self.seen = [weakref.ref(leaf) for leaf in leaves]  # weights that the module has replaced can be freed
        return self.program, self.arrays
