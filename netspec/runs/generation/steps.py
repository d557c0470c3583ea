"""The compiled steps of a generation: some ids in, what is made of the logits of the last one out.

Input: a model, and its ends as a language model. Output: `Sequences`, which grow by what they are fed. `CachedSteps`
compute new ids from what earlier ones have left; `WholeSteps` compute the whole sequence each time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from netspec.compiler.backend.emit import emit_source
from netspec.compiler.backend.load import load_source, network_class
from netspec.nn.lowering.choice import compiler_options
from netspec.nn.lowering.decode import Steps, decoding
from netspec.runs.generation.ends import Ends
from netspec.spec.model import Model

CHUNK = 64
"""Ids of a prompt that are computed together: a prompt of any length needs two programs."""

Finish = Callable[[Any, Any], Any]
"""From the logits of the last step, batch x ids, and what is given with each call, to what a call returns."""


class Sequences(Protocol):
    """Sequences of equal length that are generated side by side."""

    @property
    def position(self) -> int:
        """How many steps they have."""

    def feed(self, ids: Any, given: Any) -> Any:
        """Append ids, batch x any number, and compute what comes after them."""

    def reorder(self, parents: Any) -> None:
        """Continue these sequences, one of which may be there several times."""


class CachedSteps:
    """The programs that compute the next steps.

    Args:
        model: a language model.
        ends: its ends, without obstacles.
        finish: part of the program.
    """

    def __init__(self, model: Model, ends: Ends, finish: Finish) -> None:
        graph, self.ends, self.finish = ends.form.graph, ends, finish
        network = network_class(load_source(emit_source(graph), f"{model.name}_decode"))
        self._definition = _definition(network)
        self._inputs = [node.name for node in graph.input_nodes]
        self._programs: dict[Any, Any] = {}

    def begin(self, model: Model, sources: Mapping[str, Any], steps: int) -> Sequences:
        """New sequences, with the weights that the model has now; `sources` are its other inputs, batch first, and
        `steps` how many steps they have at most."""
        chunk = min(CHUNK, self.ends.max_steps or CHUNK)
        needed = steps if self.ends.form.carries_positions else chunk
        room = -(-needed // chunk) * chunk  # every chunk of the prompt begins at a multiple
        arrays, tree = jax.tree.flatten(nnx.state(model.module))
        return _Cached(self._program(tree, room), arrays, sources, chunk)

    def _program(self, tree: Any, room: int) -> Any:
        key = (tree, room)
        if key not in self._programs:

            def compute(
                arrays: Any, sources: Any, ids: Any, start: Any, count: Any, before: Any, given: Any
            ) -> tuple[Any, Any]:
                inputs = [ids if name == self.ends.target else sources[name] for name in self._inputs]
                with decoding(Steps(start, count, room, before)) as steps:
                    module = nnx.merge(self._definition, jax.tree.unflatten(tree, arrays))
                    logits = _logits(module, inputs, self.ends.output)
                return self.finish(_at(logits, count - 1), given), steps.after

            options = compiler_options(inference=True)
            self._programs[key] = jax.jit(compute, donate_argnums=(5,), compiler_options=options)
        return self._programs[key]


class _Cached:
    """Sequences with what they carry along."""

    def __init__(self, program: Any, arrays: Any, sources: Mapping[str, Any], chunk: int) -> None:
        self._program, self._arrays, self._sources, self._chunk = program, arrays, sources, chunk
        self._carried: Any = None
        self.position = 0

    def feed(self, ids: Any, given: Any) -> Any:
        ids = np.asarray(ids, np.int32)
        if ids.shape[1] == 1 and self._carried is not None:
            return self._compute(ids, 1, given)
        result = None
        for begin in range(0, ids.shape[1], self._chunk):
            part = ids[:, begin : begin + self._chunk]
            filled = np.pad(part, ((0, 0), (0, self._chunk - part.shape[1])))
            result = self._compute(filled, part.shape[1], given)
        return result

    def _compute(self, ids: Any, count: int, given: Any) -> Any:
        start = np.int32(self.position)
        result, self._carried = self._program(
            self._arrays, self._sources, ids, start, np.int32(count), self._carried, given
        )
        self.position += count
        return result

    def reorder(self, parents: Any) -> None:
        self._carried = _taken(self._carried, parents)


class WholeSteps:
    """The programs that compute whole sequences; arguments as for `CachedSteps`."""

    def __init__(self, model: Model, ends: Ends, finish: Finish) -> None:
        self.ends, self.finish = ends, finish
        self._definition = _definition(model.module_class)
        self._inputs = [*model.inputs]
        self._programs: dict[Any, Any] = {}

    def begin(self, model: Model, sources: Mapping[str, Any], steps: int) -> Sequences:
        arrays, tree = jax.tree.flatten(nnx.state(model.module))
        return _Whole(self._program(tree), arrays, sources, self.ends.window)

    def _program(self, tree: Any) -> Any:
        if tree not in self._programs:

            def compute(arrays: Any, sources: Any, ids: Any, count: Any, given: Any) -> Any:
                inputs = [ids if name == self.ends.target else sources[name] for name in self._inputs]
                module = nnx.merge(self._definition, jax.tree.unflatten(tree, arrays))
                return self.finish(_at(_logits(module, inputs, self.ends.output), count - 1), given)

            self._programs[tree] = jax.jit(compute, compiler_options=compiler_options(inference=True))
        return self._programs[tree]


class _Whole:
    """Sequences as they are; those of any length are filled up to powers of two, for few programs."""

    def __init__(self, program: Any, arrays: Any, sources: Mapping[str, Any], window: int | None) -> None:
        self._program, self._arrays, self._sources, self._window = program, arrays, sources, window
        self._ids = np.zeros((0, 0), np.int32)

    @property
    def position(self) -> int:
        return self._ids.shape[1]

    def feed(self, ids: Any, given: Any) -> Any:
        ids = np.asarray(ids, np.int32)
        self._ids = np.concatenate([self._ids, ids], axis=1) if self._ids.size else ids
        count = self.position
        size = self._window or max(16, power_of_two(count))
        filled = np.pad(self._ids, ((0, 0), (0, size - count)))
        return self._program(self._arrays, self._sources, filled, np.int32(count), given)

    def reorder(self, parents: Any) -> None:
        self._ids = self._ids[np.asarray(parents)]


def reads_later_steps(model: Model, ends: Ends) -> bool:
    """Whether predictions change with the ids after them: a trial of a network whose layers do not all say so."""
    steps = ends.window or 16
    count = max(1, steps // 2)
    sources = {name: _blank(model, name, steps) for name in ends.sources}
    program = WholeSteps(model, ends, lambda logits, given: jnp.where(given, logits, logits))
    arrays, tree = jax.tree.flatten(nnx.state(model.module))
    compute = program._program(tree)
    ids = np.arange(steps, dtype=np.int32)[None] % ends.vocabulary
    others = np.where(np.arange(steps) < count, ids, ends.vocabulary - 1 - ids)
    one, other = (compute(arrays, sources, x.astype(np.int32), np.int32(count), True) for x in (ids, others))
    return not np.allclose(one, other, rtol=1e-4, atol=1e-5)


def _blank(model: Model, name: str, steps: int) -> Any:
    shape = model.inputs[name]
    sizes: Sequence[Any] = [size if isinstance(size, int) else steps for size in shape.sizes]
    return np.ones((1, *sizes), np.int32 if shape.is_tokens else np.float32)


def _definition(network: Any) -> Any:
    """The static half of a module, in inference mode."""
    module = nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))
    module.eval()
    return nnx.graphdef(module)


def _logits(module: Any, inputs: Sequence[Any], output: str) -> Any:
    """The logits of an output, batch x steps x ids."""
    outputs = module.logits(*inputs)
    return outputs[output] if isinstance(outputs, dict) else outputs


def power_of_two(count: int) -> int:
    """The least one that is not below `count`, at least 1: sizes are rounded to it, so that there are few programs."""
    return 1 << max(0, count - 1).bit_length()


def _at(logits: Any, step: Any) -> Any:
    return jax.lax.dynamic_index_in_dim(logits, step, axis=1, keepdims=False)


@jax.jit  # type: ignore[untyped-decorator]
def _taken(carried: Any, parents: Any) -> Any:
    return jax.tree.map(lambda array: array[parents], carried)
