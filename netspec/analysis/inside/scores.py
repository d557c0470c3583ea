"""A network as a differentiable function: from its inputs, and from the results of its layers, to the scores of its
units before the softmax or sigmoid.

Input: a model. Output: scores, results of layers and gradients, as NumPy arrays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from netspec.analysis.inside.inputs import Inputs
from netspec.compiler.backend.emit import emit_source
from netspec.compiler.backend.load import load_source, network_class
from netspec.compiler.ir.graph import Graph
from netspec.data.dataset.lazy_rows import Array
from netspec.language.corrections import suggest
from netspec.nn import record
from netspec.runs.arguments import check_type
from netspec.spec.model import Model
from netspec.spec.network_ends import output_heads, target_columns


@dataclass(frozen=True)
class Unit:
    """A class of an output, or one of its numbers.

    Args:
        output: the name of the output.
        index: of the unit.
        name: of the class or the number.
        sign: -1 for the class "no" of a single sigmoid unit, whose score is the negative one of "yes"; otherwise 1.
    """

    output: str
    index: int
    name: str
    sign: int = 1


class Scores:
    """The scores of a network, and what they are computed from, with the weights that the model has now.

    Args:
        model: the model.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        graph = model.compilation.optimized
        self.heads = output_heads(graph)
        self.readers = _readers(graph, [node.name if node.shape.is_tokens else "" for node in graph.input_nodes])
        """The embedding of each input of token ids."""
        network = network_class(load_source(emit_source(graph, probes=True), f"{model.name}_scores"))
        module = nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))
        module.eval()
        self._definition = nnx.graphdef(module)
        self._state = nnx.state(model.module)
        self._run, self._differentiate = jax.jit(self._compute), jax.jit(self._gradients)

    # ------------------------------------------------------------ units

    def units(self) -> list[Unit]:
        """The classes and numbers of all outputs."""
        found: list[Unit] = []
        preprocessing, spec = self.model.preprocessing, self.model.compilation
        columns = target_columns(spec.data.source, spec.facts, [*self.model.outputs])
        names = preprocessing.class_names if preprocessing is not None else {}
        for output, head in self.heads.items():
            if head.activation == "sigmoid" and head.units == 1:
                no, yes = names[output] if len(names.get(output, ())) == 2 else ("no", "yes")
                found += [Unit(output, 0, no, -1), Unit(output, 0, yes)]
            else:
                plain = [str(index) for index in range(head.units)]
                own = names.get(output) or columns.get(output) or ([output] if head.units == 1 else plain)
                found += [Unit(output, index, str(own[index])) for index in range(head.units)]
        return found

    def unit(self, name: str | int) -> Unit:
        """A class by its name, or by its id in the first output.

        Raises:
            ValueError: there is no such class.
            TypeError: it is neither a name nor an id.
        """
        check_type("class_id", name, (int, str, np.integer), "the id or the name of a class")
        units = self.units()
        if isinstance(name, int | np.integer):
            units = [unit for unit in units if unit.output == units[0].output]
            if not 0 <= name < len(units):
                raise ValueError(f"class ids are from 0 to {len(units) - 1}, not {name}")
            return units[int(name)]
        known = {unit.name: unit for unit in reversed(units)}  # of two outputs with such a class the first one
        if name not in known:
            raise ValueError(f"no class `{name}`, {suggest(name, known, what='the classes are')}")
        return known[name]

    def chosen(self, logits: Mapping[str, Array], name: str | int | None) -> list[Unit]:
        """For each example the unit with this name; None: the predicted class, or the first number."""
        output, scores = next(iter(logits.items()))
        count, head = len(scores), self.heads[output]
        if name is not None:
            return [self.unit(name)] * count
        own = [unit for unit in self.units() if unit.output == output]
        if head.activation == "sigmoid" and head.units == 1:
            return [own[int(score > 0)] for score in scores[:, 0]]
        return [own[index] for index in (scores.argmax(axis=-1) if head.activation == "softmax" else [0] * count)]

    def probabilities(self, logits: Mapping[str, Array], units: Sequence[Unit]) -> list[float | None]:
        """The probability of a unit for each example; None where the network gives plain numbers."""
        found: list[float | None] = []
        for i, unit in enumerate(units):
            head = self.heads[unit.output]
            score = float(np.asarray(head.apply(unit.sign * logits[unit.output][i]))[unit.index])
            found.append(score if head.activation in ("softmax", "sigmoid") else None)
        return found

    # ------------------------------------------------------------ computation

    def __call__(
        self,
        examples: Inputs,
        layers: Mapping[str, Array] | None = None,
        inputs: Sequence[Array] | None = None,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The scores of each output, of shape (examples, units): of a sequence those of its last step. And the results
        of all layers, by name. Arguments are those of `gradients`.

        Raises:
            ValueError: the outputs are images or larger.
        """
        if any(len(head.sizes) not in (1, 2) for head in self.heads.values()):
            raise ValueError("the network gives images, not classes or numbers")
        ready = self._inputs(examples.ready if inputs is None else inputs)
        logits, results = self._run(self._state, ready, dict(layers or {}))
        return self._last(logits, examples), {name: np.asarray(value) for name, value in results.items()}

    def gradients(
        self,
        examples: Inputs,
        units: Sequence[Unit],
        layers: Mapping[str, Array] | None = None,
        inputs: Sequence[Array] | None = None,
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """The derivatives of the score of a unit for each example: by the name of an input those with regard to its
        normalized numbers (none of token ids), and by the name of a layer those with regard to its result.

        Args:
            examples: the examples.
            units: one for each of them.
            layers: what is added to the results of layers, by name; zeros leave them as they are.
            inputs: normalized inputs instead of those of the examples.
        """
        logits = jax.eval_shape(self._compute, self._state, self._inputs(examples.ready), {})[0]
        weights = {name: np.zeros(shape.shape, np.float32) for name, shape in logits.items()}
        for i, unit in enumerate(units):
            table = weights[unit.output]
            step = () if table.ndim == 2 else (self._step(examples, i),)
            table[(i, *step, unit.index)] = unit.sign
        ready = self._inputs(examples.ready if inputs is None else inputs)
        by_input, by_layer = self._differentiate(self._state, ready, dict(layers or {}), weights)
        return {k: np.asarray(v) for k, v in by_input.items()}, {k: np.asarray(v) for k, v in by_layer.items()}

    def result(self, layer: str, *ready: Any) -> Any:
        """What a layer gives for normalized inputs, for use in functions of JAX."""
        return self._compute(self._state, self._inputs(ready), {})[1][layer]

    def result_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shapes of what all layers give for one example."""
        raw = []
        for shape in self.model.inputs.values():
            sizes = (size for size in shape.sizes if isinstance(size, int))
            raw.append(np.zeros((1, *sizes), np.int32 if shape.is_tokens else np.float32))
        found = jax.eval_shape(self._compute, self._state, self._inputs(raw), {})[1]
        return {name: tuple(value.shape[1:]) for name, value in found.items()}

    def _inputs(self, ready: Sequence[Array]) -> dict[str, Array]:
        return dict(zip(self.model.inputs, ready, strict=True))

    def _compute(self, state: Any, inputs: Mapping[str, Any], offsets: Mapping[str, Any]) -> tuple[Any, Any]:
        live = nnx.merge(self._definition, state)
        paths = {id(part): tuple(map(str, path)) for path, part in nnx.iter_modules(live)}
        results: dict[str, Any] = {}

        def change(owner: Any, name: str, value: Any) -> Any:
            key = "/".join((*paths[id(owner)], name))
            if key in results:  # of a shared layer the first use counts
                return value
            results[key] = value + offsets[key] if key in offsets else value
            return results[key]

        with record(change):
            found = (live.logits if hasattr(live, "logits") else live)(*inputs.values())
        return (found if isinstance(found, dict) else {next(iter(self.heads)): found}), results

    def _gradients(self, state: Any, inputs: Mapping[str, Any], offsets: Mapping[str, Any], weights: Any) -> Any:
        ids = {name: x for name, x in inputs.items() if not jnp.issubdtype(x.dtype, jnp.floating)}

        def score(numbers: Mapping[str, Any], layers: Mapping[str, Any]) -> Any:
            logits, _ = self._compute(state, {name: numbers.get(name, ids.get(name)) for name in inputs}, layers)
            return sum(jnp.sum(logits[name] * weights[name]) for name in logits)

        numbers = {name: x for name, x in inputs.items() if name not in ids}
        return jax.grad(score, argnums=(0, 1))(numbers, offsets)

    def _last(self, logits: Mapping[str, Any], examples: Inputs) -> dict[str, Array]:
        found = {name: np.asarray(scores, np.float32) for name, scores in logits.items()}
        steps = [self._step(examples, i) for i in range(len(examples))]
        return {
            name: scores if scores.ndim == 2 else scores[np.arange(len(scores)), steps]
            for name, scores in found.items()
        }

    @staticmethod
    def _step(examples: Inputs, index: int) -> int:
        return -1 if examples.last is None else int(examples.last[index])


def _readers(graph: Graph, names: Sequence[str], path: str = "") -> dict[str, str]:
    """For the inputs of a graph with these names the layer that reads each first; inputs without a name are not
    looked for."""
    found: dict[str, str] = {}
    for node in graph.nodes:
        places = [graph.inputs.index(edge.node) if edge.node in graph.inputs else None for edge in node.inputs]
        read = ["" if place is None or names[place] in found else names[place] for place in places]
        if isinstance(node.operation, Graph):
            found |= _readers(node.operation, read, f"{path}{node.name}/")
        else:
            found |= {name: f"{path}{node.name}" for name in read if name}
    return found
