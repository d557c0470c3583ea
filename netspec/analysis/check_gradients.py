"""Whether the gradients of layers are right: the analytic ones beside finite differences, one layer at a time.

Input: a graph after the passes. Output: a `LayerGradients` for each layer, in the order of the computation. Every
layer runs alone, on the very arrays that reach it in the network, in training mode and in double precision; a layer
that lowers the precision itself is measured with the steps and the tolerance that go with it. Formulas: central
differences, (f(x + h) - f(x - h)) / 2h, of the result times fixed random numbers, summed.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from netspec.compiler.backend.emit import emit_source
from netspec.compiler.backend.load import load_source, network_class
from netspec.compiler.ir.graph import Edge, Graph, Input, Node, Output
from netspec.language.diagnostics import Diagnostic
from netspec.language.shape import Shape
from netspec.language.source import Span
from netspec.layers.base import Layer
from netspec.training.errors.analysis import WrongGradient
from netspec.training.step.epoch_steps import inner_computations

TOLERANCE = 1e-4
"""The greatest relative error of a right gradient in double precision."""
TOLERANCE_SINGLE = 2e-2
"""The same for a layer that computes in 32 bits, whose differences are noisy."""
EXAMPLES = 3
"""Examples in the batch: with two, a batchnorm of a vector gives 1 and -1 whatever comes in."""
ENTRIES = 8
"""Numbers of each weight and of each input that are moved."""
_STEPS = {"float64": (1e-6, 1e-7, 1e-5), "float32": (1e-2, 3e-3, 3e-2)}
"""How far they are moved; the later ones only where the first finds a difference, which may be a kink nearby."""


@dataclass(frozen=True)
class Part:
    """One weight or one input of a layer: the worst relative error of the `entries` that were moved.

    `kinks` of them are where the function has no derivative (a `relu` at 0) and do not count.
    """

    name: str
    error: float
    entries: int
    kinks: int


@dataclass(frozen=True)
class LayerGradients:
    """What was found for a layer. `path` has the names of the blocks around it.

    `precision` is `float64`, `float32` for a layer that lowers it, or a smaller one, at which nothing is measured.
    """

    path: tuple[str, ...]
    call: str
    parts: tuple[Part, ...]
    precision: str
    tolerance: float
    span: Span | None = None

    @property
    def name(self) -> str:
        return "/".join(self.path)

    @property
    def worst(self) -> Part | None:
        """The part with the greatest error; None when there is nothing to follow a gradient to."""
        return max(self.parts, key=lambda part: part.error, default=None)

    @property
    def is_right(self) -> bool:
        return all(part.error <= self.tolerance for part in self.parts)

    @property
    def is_measured(self) -> bool:
        """Whether the precision allows it."""
        return self.precision in _STEPS

    def diagnostic(self) -> Diagnostic:
        """What is wrong with it."""
        worst = self.worst
        assert worst is not None
        return WrongGradient(
            span=self.span,
            layer=self.name,
            part=worst.name if worst.name.startswith(("the ", "input ")) else f"`{worst.name}`",
            error=f"{worst.error:.1e}",
            tolerance=f"{self.tolerance:g}",
        )


def layers_of(graph: Graph) -> list[tuple[str, str]]:
    """The names and calls of the layers that `check_gradients` goes through."""
    found = []
    for node in graph.nodes:
        if isinstance(node.operation, Graph):
            found += [(f"{node.name}/{name}", call) for name, call in layers_of(node.operation)]
        elif isinstance(node.operation, Layer):
            found.append((node.name, node.operation.to_source()))
    return found


def check_gradients(graph: Graph, *, seed: int = 0) -> Iterator[LayerGradients]:
    """Compare the gradients of each layer with finite differences.

    Args:
        graph: a network after the passes.
        seed: of the weights, the inputs and the choice of numbers that are moved.
    """
    random = np.random.default_rng(seed)
    module = network_class(load_source(emit_source(graph), graph.name))(rngs=nnx.Rngs(seed))
    module.train()
    with jax.enable_x64(True):
        inputs = [_example(node.shape, random) for node in graph.input_nodes]
        yield from _check_graph(graph, module, inputs, (), random)


def _example(shape: Shape, random: np.random.Generator) -> Any:
    """A batch for an input: token ids, or normal numbers. Sizes that are not known are taken as small ones."""
    unknown = 64 if shape.rank > 2 else 12
    sizes = (EXAMPLES, *(size if isinstance(size, int) else unknown for size in shape.sizes))
    if shape.is_tokens:
        vocabulary = shape.vocabulary if isinstance(shape.vocabulary, int) else unknown
        return jnp.asarray(random.integers(0, vocabulary, sizes), jnp.int32)
    return jnp.asarray(random.normal(size=sizes))


_Found = Generator[LayerGradients, None, list[Any]]


def _check_graph(
    graph: Graph, module: Any, inputs: Sequence[Any], path: tuple[str, ...], random: np.random.Generator
) -> _Found:
    """The layers of a block one after the other; returns what flows out of it."""
    values: dict[Edge, Any] = {Edge(index): array for index, array in zip(graph.inputs, inputs, strict=True)}
    for index, node in enumerate(graph.nodes):
        if isinstance(node.operation, Input):
            continue
        here = (*path, node.name)
        read = [values[edge] for edge in node.inputs]
        if isinstance(node.operation, Graph):
            results = yield from _check_graph(node.operation, getattr(module, node.name), read, here, random)
        else:
            alone = _Alone(graph, node, module, read, None if node.mask is None else values[node.mask])
            yield alone.check(here, random)
            results = [alone.result]
        values.update({Edge(index, port): result for port, result in enumerate(results)})
    return [values[output.edge] for output in graph.outputs]


class _Alone:
    """A layer cut out of its network, as a function of its weights and its inputs.

    Args:
        graph: the block around it.
        node: the layer.
        module: the live module of the block, which has the weights.
        inputs: what reaches it.
        mask: the tensor that says which steps only fill up.
    """

    def __init__(self, graph: Graph, node: Node, module: Any, inputs: Sequence[Any], mask: Any) -> None:
        self.node = node
        arrays = [_widened(array) for array in (*inputs, *([] if mask is None else [mask]))]
        network = network_class(load_source(emit_source(_graph_of(graph, node)), f"{graph.name}_{node.name}"))
        alone = nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))
        if hasattr(alone, node.name):
            setattr(alone, node.name, getattr(module, node.name))
        alone.train()
        for _, part in nnx.iter_modules(alone):
            if getattr(part, "dtype", None) == jnp.float32:  # Flax fixes it where a weight was made
                part.dtype = jnp.float64
        self._definition, params, rest = nnx.split(alone, nnx.Param, ...)
        self._rest = jax.tree.map(_widened, rest)
        self._whole = {i: array for i, array in enumerate(arrays) if not _is_float(array)}
        self._arrays = len(arrays)
        weights = {
            _name(path): _widened(leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(nnx.to_pure_dict(params))
        }
        self._params = params
        flowing = {_input_name(i, len(inputs)): array for i, array in enumerate(arrays) if _is_float(array)}
        self._weights = tuple(weights)
        self.leaves: dict[str, Any] = {**weights, **flowing}
        self.result = jax.jit(self._run)(self.leaves)

    def _run(self, leaves: Mapping[str, Any]) -> Any:
        names = iter([name for name in leaves if name not in self._weights])
        arrays = [self._whole[i] if i in self._whole else leaves[next(names)] for i in range(self._arrays)]
        treedef = jax.tree.structure(self._params)
        params = jax.tree.unflatten(treedef, [leaves[name] for name in self._weights])
        module = nnx.merge(self._definition, params, self._rest, copy=True)
        return module(*arrays)

    def check(self, path: tuple[str, ...], random: np.random.Generator) -> LayerGradients:
        assert isinstance(self.node.operation, Layer)
        precision = "float64" if _is_float(self.result) else str(self.result.dtype)
        parts: list[Part] = []
        if self.leaves and _is_float(self.result):
            factors = jnp.asarray(random.normal(size=self.result.shape))

            def total(leaves: Mapping[str, Any]) -> Any:
                return jnp.sum(self._run(leaves).astype(jnp.float64) * factors)

            precision = _precision(jax.make_jaxpr(total)(self.leaves).jaxpr)
            if precision in _STEPS:
                parts = list(_Differences(total, self.leaves, precision).parts(random))
        tolerance = TOLERANCE if precision == "float64" else TOLERANCE_SINGLE
        return LayerGradients(path, self.node.operation.to_source(), tuple(parts), precision, tolerance, self.node.span)


def _graph_of(graph: Graph, node: Node) -> Graph:
    """A network of a single layer."""
    edges = node.reads
    inputs = [
        Node(name=f"input_{i}", operation=Input(), inputs=(), shapes=(graph.shape_of(edge),))
        for i, edge in enumerate(edges)
    ]
    places = tuple(Edge(i) for i in range(len(edges)))
    mask = None if node.mask is None else places[-1]
    alone = replace(node, inputs=places[: len(node.inputs)], mask=mask, shared=None)
    return Graph(
        name=f"{graph.name}_{node.name}",
        nodes=[*inputs, alone],
        inputs=list(range(len(inputs))),
        outputs=[Output(None, Edge(len(inputs)))],
    )


class _Differences:
    """Finite differences of a function of several arrays.

    Args:
        total: from the arrays to one number.
        leaves: the arrays.
        precision: in which it computes.
    """

    def __init__(self, total: Callable[[Any], Any], leaves: Mapping[str, Any], precision: str) -> None:
        self.leaves, self.steps = leaves, _STEPS[precision]
        self.tolerance = TOLERANCE if precision == "float64" else TOLERANCE_SINGLE
        base, self.gradient = jax.jit(jax.value_and_grad(total))(leaves)
        self.base = float(base)
        self.noise = 32 * float(np.finfo(precision).eps) * max(1.0, abs(self.base))
        names = tuple(leaves)

        def moved(leaves: Mapping[str, Any], which: Any, entry: Any, step: Any) -> Any:
            return total(
                {
                    name: leaves[name].reshape(-1).at[entry].add(jnp.where(which == i, step, 0.0), mode="drop")
                    .reshape(leaves[name].shape)
                    for i, name in enumerate(names)
                }
            )  # fmt: skip

        self._moved = jax.jit(moved)

    def parts(self, random: np.random.Generator) -> Iterator[Part]:
        for which, name in enumerate(self.leaves):
            gradient = np.asarray(self.gradient[name]).reshape(-1)
            largest = float(np.abs(gradient).max(initial=0.0))
            entries = _chosen(gradient, random)
            found = [self._error(which, int(entry), float(gradient[entry]), largest) for entry in entries]
            errors = [error for error in found if error is not None]
            yield Part(name, max(errors, default=0.0), len(entries), len(found) - len(errors))

    def _error(self, which: int, entry: int, analytic: float, largest: float) -> float | None:
        """The relative error at an entry; None at a kink."""
        least = float("inf")
        for step in self.steps:
            up = (float(self._moved(self.leaves, which, entry, step)) - self.base) / step
            down = (self.base - float(self._moved(self.leaves, which, entry, -step))) / step
            central = (up + down) / 2
            if not np.isfinite([analytic, central]).all():
                return float("inf")
            # Small numbers beside large ones are compared with these, and all with what rounding makes of them.
            size = max(abs(analytic), abs(central), 1e-3 * largest, self.noise / step / self.tolerance)
            least = min(least, abs(analytic - central) / size)
            if least <= self.tolerance:
                return least
            slack = self.tolerance * size
            if abs(up - down) > 10 * slack and min(up, down) - slack <= analytic <= max(up, down) + slack:
                return None
        return least


def _chosen(gradient: Any, random: np.random.Generator) -> Any:
    """Entries to move: half of those that the gradient says matter, half anywhere."""
    count = min(ENTRIES, gradient.size)
    mattering = np.flatnonzero(gradient)
    some = random.permutation(mattering)[: ENTRIES // 2]
    return np.unique(np.concatenate([some, random.choice(gradient.size, count, replace=False)]))


def _is_float(array: Any) -> bool:
    return hasattr(array, "dtype") and bool(jnp.issubdtype(array.dtype, jnp.floating))


def _widened(leaf: Any) -> Any:
    return jnp.asarray(leaf, jnp.float64) if _is_float(leaf) else leaf


def _name(path: Any) -> str:
    """The name of a weight in its layer: `kernel`, or `forward/kernel`; the layer's own name is left out."""
    _, _, name = str(jax.tree_util.keystr(path, simple=True, separator="/")).partition("/")
    return name


def _input_name(index: int, inputs: int) -> str:
    if index >= inputs:
        return "the mask"
    return "input" if inputs == 1 else f"input {index + 1}"


def _precision(jaxpr: Any) -> str:
    """The smallest precision that a computation lowers numbers to."""
    narrowest = "float64"
    for equation in jaxpr.eqns:
        found = [_precision(inner) for inner in inner_computations(equation)]
        if any(_is_float(variable.aval) for variable in equation.invars):
            found += [str(variable.aval.dtype) for variable in equation.outvars if _is_float(variable.aval)]
        narrowest = min([narrowest, *found], key=lambda name: int(jnp.finfo(name).bits))
    return narrowest
