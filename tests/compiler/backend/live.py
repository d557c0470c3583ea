"""Emitted source as live modules, without drawing weights."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from netspec.compiler.backend.emit import emit_source
from netspec.compiler.backend.load import load_source, network_class
from netspec.language.source import Source
from netspec.spec.compilation import Compilation


def compiled(text: str) -> Compilation:
    spec = Compilation(Source("<spec>", text))
    spec.check()
    return spec


def abstract(spec: Compilation, *, standalone: bool = False) -> Any:
    """The network with shapes in place of weights."""
    source = emit_source(spec.optimized, standalone=standalone)
    network = network_class(load_source(source, "test"))
    return nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))


def outputs(spec: Compilation, module: Any) -> Any:
    """The shapes that come out for a batch of two; unknown sizes are 8."""
    given = []
    for node in spec.optimized.input_nodes:
        sizes = (2, *(size if isinstance(size, int) else 8 for size in node.shape.sizes))
        given.append(jax.ShapeDtypeStruct(sizes, jnp.int32 if node.shape.is_tokens else jnp.float32))
    return nnx.eval_shape(lambda module, *inputs: module(*inputs), module, *given)


def parameter_paths(module: Any) -> dict[str, tuple[int, ...]]:
    """The trained weights, each set once, by path."""
    flat = nnx.to_flat_state(nnx.state(module, nnx.Param))
    return {"/".join(map(str, path)): variable.shape for path, variable in flat}


def parameter_count(module: Any) -> int:
    return sum(variable.size for variable in jax.tree.leaves(nnx.state(module, nnx.Param)))
