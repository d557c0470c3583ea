"""What the layers of a network give, as one compiled function.

Input: a module whose source has probes (`emit_source(…, probes=True)`). Output: the results by the names of layers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from flax import nnx

from netspec.language.corrections import suggest
from netspec.nn import record
from netspec.nn.lowering.choice import compiler_options


def layers_program(module: Any, names: Sequence[str] | None, network: str) -> Callable[..., dict[str, Any]]:
    """The compiled function from the state of a module, and a tuple of inputs, to results by name.

    Args:
        module: the module, in any mode; results are those of inference.
        names: the layers and blocks wanted; None: all.
        network: what messages call the network.
    """
    module.eval()
    definition = nnx.graphdef(module)

    def compute(state: Any, inputs: tuple[Any, ...]) -> list[Any]:
        live = nnx.merge(definition, state)
        with record() as seen:
            live(*inputs)
        paths = {id(part): tuple(map(str, path)) for path, part in nnx.iter_modules(live)}
        results: dict[str, Any] = {}
        for owner, name, value in seen:  # of a shared block its first use
            results.setdefault("/".join((*paths[id(owner)], name)), value)
        for name in names or ():
            if name not in results:
                advice = suggest(name, results, what="layers")
                raise ValueError(f"`{name}` is not a layer of {network}\n{advice}")
        order[:] = results if names is None else names
        return [results[name] for name in order]

    order: list[str] = []
    program = jax.jit(compute, compiler_options=compiler_options(inference=True))

    def by_name(state: Any, inputs: tuple[Any, ...]) -> dict[str, Any]:
        results = program(state, inputs)  # traced at the first call, which sets the order
        return dict(zip(order, results, strict=True))

    return by_name
