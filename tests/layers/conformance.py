"""What every declared layer has to keep, checked from its declaration alone; also for layers that a program adds."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from netspec.backend.load import load_source, network_class
from netspec.graph.ir import Graph, Node
from netspec.kinds import Choice, Count, Either, Flag, Identifier, Kind, Mismatch, Padding, Sizes
from netspec.layers.activations import Relu
from netspec.layers.base import Layer
from netspec.layers.inits import HeNormal, Normal
from netspec.pipeline import Compilation
from netspec.reference import word_page
from netspec.shape import Shape
from netspec.source import Source
from netspec.values import Word

INPUTS = ("12", "64", "7x4", "16x4", "9x7x4", "8x8x1", "5x6x7x4", "4x4x2x2", "6 tokens(11)")
"""Vectors, sequences, images, volumes and token ids, of odd and even sizes."""

ODD_INPUTS = ("7x4", "9x7x4", "5x6x7x4")

BATCH = 2


def compiled(text: str) -> Compilation:
    return Compilation(Source("<spec>", text))


def has_errors(spec: Compilation) -> bool:
    return bool(spec.diagnose().errors)


def spec_of(word: type[Layer], call: str, shape: str) -> str:
    """A net of this layer alone; one that joins tensors gets the input twice."""
    return in_a_net(word, f"(identity | scale(2)) -> {call}" if word.input_count[0] > 1 else call, shape)


def in_a_net(word: type[Layer] | type[Word], text: str, shape: str) -> str:
    """The text as a net; what a word borrows from is there, under the name `table` that its example has."""
    borrows = issubclass(word, Layer) and word.borrows
    return f"input {shape}\n" + (f"share table = embedding(4)\ntable -> {text}" if borrows else text)


# ---------------------------------------------------------------- the docstring


def check_docs(word: type[Word], *, facts: tuple[str, ...]) -> None:
    """One sentence, the facts, and a line for every option."""
    page = word_page(word)
    assert page.summary.endswith("."), f"{word.word}: the first paragraph of its docstring is a sentence"
    assert len(page.summary) < 160
    for fact in facts:
        assert page.facts.get(fact), f"{word.word}: its docstring has no line `{fact}:`"
    for option in word.options():
        assert option.doc, f"{word.word}: option {option.name} says what it does"
        assert not option.doc.endswith("."), f"{word.word}: option {option.name} is a phrase"
        assert option.kind.describe()
    positions = sorted(o.position for o in word.options() if o.position is not None)
    assert positions == list(range(len(positions)))
    assert len(positions) <= 3


def check_example(word: type[Word]) -> list[str]:
    """The example compiles and names the word; the inputs for which it does."""
    example = word_page(word).facts["Example"]
    assert word.word in example
    fitting = [shape for shape in INPUTS if not has_errors(compiled(in_a_net(word, example, shape)))]
    assert fitting, f"{word.word}: `{example}` compiles for none of {', '.join(INPUTS)}"
    return fitting


# ---------------------------------------------------------------- shapes and weights


def check_layer(word: type[Layer]) -> None:
    """Everything that can be said of a layer from its declaration."""
    check_docs(word, facts=("Shape", "Example"))
    check_example(word)
    alone, pairs = calls(word)
    checked = [check_call(word, call, shape) for call in alone for shape in INPUTS]
    checked += [check_call(word, call, shape) for call in pairs for shape in ODD_INPUTS]
    assert any(checked), f"{word.word}: no arguments fit any input"
    for call in alone:
        check_symbolic(word, call)


def check_call(word: type[Layer], call: str, shape: str) -> bool:
    """Either the checker has something to say, or the emitted module does what was declared; True for the latter."""
    spec = compiled(spec_of(word, call, shape))
    problems = spec.diagnose()
    if problems.errors:
        codes = {problem.code for problem in problems.errors}
        assert len(problems.errors) == 1 and min(codes) >= "NS3", f"{call} on {shape}: {codes}"
        return False
    check_module(spec, f"{call} on {shape}")
    return True


def check_symbolic(word: type[Layer], call: str) -> bool:
    """With unknown sizes the formulas hold for every size for which the layer works; True when it takes them."""
    spec = compiled(spec_of(word, call, "(H, W, 3)"))
    problems = spec.diagnose()
    if problems.errors:
        assert min(problem.code for problem in problems.errors) >= "NS3", call
        return False
    assert spec.graph is not None
    network = network_class(load_source(spec.python, "conformance"))
    module = nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))
    declared = spec.graph.shape_of(spec.graph.outputs[0].edge)
    for height, width in ((9, 7), (8, 12), (11, 6)):
        known = compiled(spec_of(word, call, f"{height}x{width}x3"))
        if not has_errors(known):
            x = jax.ShapeDtypeStruct((BATCH, height, width, 3), jnp.float32)
            found = nnx.eval_shape(lambda module, x: module(x), module, x)
            sizes = tuple(eval(str(size), {"H": height, "W": width}) for size in declared.sizes)
            assert found.shape == (BATCH, *sizes), f"{call} on {height}x{width}x3"
    return True


def check_module(spec: Compilation, where: str = "") -> None:
    """The emitted module has the shapes and the weights that the graph says."""
    graph = spec.graph
    assert graph is not None
    network = network_class(load_source(spec.python, "conformance"))
    module = nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))
    given = [example(node.shape) for node in graph.input_nodes]
    found = nnx.eval_shape(lambda module, *inputs: module(*inputs), module, *given)
    results = list(found.values()) if isinstance(found, dict) else [found]
    declared = [(BATCH, *graph.shape_of(output.edge).sizes) for output in graph.outputs]
    assert [r.shape for r in results] == declared, where
    assert variables(module) == dict(declared_variables(graph, ())), where


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


# ---------------------------------------------------------------- the grid of arguments


def calls(word: type[Layer]) -> tuple[list[str], list[str]]:
    """The example's layer as it stands and with every option changed alone; then with pairs of those for sizes."""
    base = find_layer(word)
    if base is None:  # it stands for other layers: only what can be put behind the example changes
        text = word_page(word).facts["Example"]
        options = [o for o in word.options() if isinstance(o.kind, Choice | Flag)]
        return [text, *(f"{text[:-1]}, {o.name} = {o.kind.spell(v)})" for o in options for v in values(o.kind))], []
    changes = {o.name: [v for v in values(o.kind) if v != getattr(base, o.name)] for o in word.options()}
    alone = [dataclasses.replace(base, **{name: value}) for name, others in changes.items() for value in others]
    sizes = [o.name for o in word.options() if isinstance(o.kind, Sizes | Padding | Count) or o.name == "ceil"]
    pairs = [
        dataclasses.replace(base, **{first: a, second: b})
        for first, second in itertools.combinations(sizes, 2)
        for a, b in itertools.product(changes[first], changes[second])
    ]
    return [layer.spelling() for layer in (base, *alone)], [layer.spelling() for layer in pairs]


def find_layer(word: type[Layer]) -> Layer | None:
    """The layer that the example makes; None for a word that stands for other layers."""
    for shape in check_example(word):
        graph = compiled(in_a_net(word, word_page(word).facts["Example"], shape)).graph
        assert graph is not None
        nodes: list[Node] = [node for block in graph.subgraphs() for node in block.nodes]
        found = next((n.operation for n in nodes if type(n.operation) is word), None)
        if isinstance(found, Layer):
            return found
    return None


def values(kind: Kind) -> list[Any]:
    """A few values that an option of this kind takes."""
    match kind:
        case Flag():
            return [False, True]
        case Choice(choices=choices):
            return list(choices)
        case Padding():
            return ["same", "valid", 1, (1,), (1, 0), (0, 1, 1)]
        case Sizes():
            return [1, 2, 3, (2,), (2, 3), (1, 2, 3)]
        case Identifier():
            return ["stem", "train", "class"]
        case Either(kinds=kinds):
            return [value for inner in kinds for value in values(inner)]
    others = (1, 2, 4, 0.25, Relu(), HeNormal(), Normal(std=0.5))
    return [value for value in others if takes(kind, value)]


def takes(kind: Kind, value: Any) -> bool:
    try:
        kind.accept(value)
    except Mismatch:
        return False
    return True
