"""The calls of a layer that are checked: its options changed one by one and in pairs, on inputs of every rank."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx

from netspec.compiler.backend.load import load_source, network_class
from netspec.compiler.ir.graph import Node
from netspec.language.kinds import Choice, Count, Either, Flag, Identifier, OneWord, Padding, Sizes
from netspec.language.reference.entries import word_page
from netspec.language.source import Span
from netspec.language.vocabulary import words
from netspec.language.word import Kind, Mismatch, Option, Word
from netspec.layers.base import Layer
from netspec.testing.docs import check_example, in_a_net
from netspec.testing.modules import BATCH, check_module, compiled, has_errors, require, trace

Values = Mapping[str, Sequence[Any]]
"""Values to try for options of user-defined kinds, by the name of the option."""


@dataclasses.dataclass(eq=False)
class Grid:
    """The calls of a layer that are checked, and the networks that contain them."""

    word: type[Layer]
    inputs: tuple[str, ...]
    net: str | None
    given: Values

    @cached_property
    def nets(self) -> list[str]:
        """Networks of this layer alone, with `{call}` for it; one that takes several tensors gets the minimum number,
        all of the same shape, or as in its example."""
        count = self.word.input_count[0]
        if self.net is not None or count < 2:
            return [self.net or "{call}"]
        branches = ["identity", *(f"scale({i + 2})" for i in range(count - 1))]
        nets = [f"({' | '.join(branches)}) -> {{call}}"]
        example, (base, span) = word_page(self.word).facts["Example"], self.found
        if base is not None and span is not None:
            start = span.start - span.source.text.index(example)
            nets.append(f"{example[:start]}{{call}}{example[start + span.end - span.start :]}")
        return nets

    def text(self, net: str, call: str, shape: str) -> str:
        return in_a_net(self.word, net.format(call=call), shape)

    def check(self, call: str, shape: str) -> bool:
        """Either the checker reports an error, or the emitted module is as declared; True for the latter."""
        checked = [self._check_in(net, call, shape) for net in self.nets]
        return any(checked)

    def _check_in(self, net: str, call: str, shape: str) -> bool:
        spec = compiled(self.text(net, call, shape))
        errors = spec.diagnose().errors
        if errors and net in (self.net, *self.nets[1:]):
            return False  # the errors may be those of other layers
        if errors:
            codes = ", ".join(problem.code for problem in errors)
            require(len(errors) == 1, f"{call} on {shape}: several messages for one mistake: {codes}")
            require(errors[0].code >= "NS3", f"{call} on {shape}: {codes} is not an error about shapes")
            return False
        check_module(spec, f"{call} on {shape}")
        return True

    def check_symbolic(self, call: str) -> None:
        """With unknown sizes the formulas hold for every size for which the layer works."""
        spec = compiled(self.text(self.nets[-1], call, "(H, W, 3)"))
        errors = spec.diagnose().errors
        if errors:
            require(min(p.code for p in errors) >= "NS3", f"{call} on (H, W, 3): {errors[0].code}")
            return
        assert spec.graph is not None
        declared = spec.graph.shape_of(spec.graph.outputs[0].edge)
        shapes = [(height, width, 3) for height, width in ((9, 7), (8, 12), (11, 6))]
        fitting = [s for s in shapes if not has_errors(compiled(self.text(self.nets[-1], call, "x".join(map(str, s)))))]
        _, outputs = trace(spec, *([jax.ShapeDtypeStruct((BATCH, *shape), jnp.float32)] for shape in fitting))
        for shape, output in zip(fitting, outputs, strict=True):
            sizes = tuple(eval(str(size), {"H": shape[0], "W": shape[1]}) for size in declared.sizes)
            where = f"{call} on (H, W, 3) with {'x'.join(map(str, shape))}"
            require(output.shape == (BATCH, *sizes), f"{where}: {output.shape[1:]}, not {declared}")

    def check_mask(self, call: str) -> bool:
        """Padded steps change nothing: their vectors are made large, and the result of the others stays the same."""
        count = self.word.input_count[0]
        branches = ["h", *(f"h -> scale({i + 2})" for i in range(count - 1))]
        flow = "h" if count < 2 else f"({' | '.join(branches)})"
        text = f"input 6 tokens(11, pad = 0)\ntable = embedding(4)\nh = input -> table\n{flow} -> {call}"
        spec = compiled(text)
        if has_errors(spec):
            return False
        assert spec.graph is not None
        network = network_class(load_source(spec.python, "conformance"))(rngs=nnx.Rngs(0))
        network.eval()
        ids = jnp.array([[3, 5, 2, 7, 0, 0], [4, 1, 6, 8, 9, 0]], jnp.int32)
        before = np.asarray(network(ids), np.float32)
        table = network.embedding.embedding
        table[...] = table[...].at[0].add(10.0)
        after = np.asarray(network(ids), np.float32)
        shape = spec.graph.shape_of(spec.graph.outputs[0].edge)
        if shape.rank > 1 and shape.sizes[0] == 6 and not self.word.moves_steps:
            before, after = before[ids != 0], after[ids != 0]
        require(bool(np.allclose(before, after, atol=1e-4)), f"{call}: the vectors of padded steps change the result")
        return True

    def calls(self) -> tuple[list[str], list[str]]:
        """The example's layer as it stands and with every option changed alone; then with pairs of those for sizes."""
        base, _ = self.found
        if base is None:
            return self._calls_of_text(), []
        changes = {o.field: [v for v in self.values(o) if v != getattr(base, o.field)] for o in self.word.options()}
        alone = [base.replace(**{name: value}) for name, others in changes.items() for value in others]
        sizes = [
            o.field for o in self.word.options() if isinstance(o.kind, Sizes | Padding | Count) or o.name == "ceil"
        ]
        pairs = [
            base.replace(**{first: a, second: b})
            for first, second in itertools.combinations(sizes, 2)
            for a, b in itertools.product(changes[first], changes[second])
        ]
        return [layer.to_source() for layer in (base, *alone)], [layer.to_source() for layer in pairs]

    def ways_to_work(self) -> list[str]:
        """The example's layer, and with each option changed that may change what it does, not how large it is."""
        base, _ = self.found
        if base is None:
            return self._calls_of_text()
        kept = ("bias", "frozen", "dtype")
        changed = [o for o in self.word.options() if isinstance(o.kind, Flag | Choice) and o.name not in kept]
        others = [(o.field, v) for o in changed for v in self.values(o) if v != getattr(base, o.field)]
        return [layer.to_source() for layer in (base, *(base.replace(**{n: v}) for n, v in others))]

    def _calls_of_text(self) -> list[str]:
        """For a word that stands for other layers: only what can be put behind the example changes."""
        text = word_page(self.word).facts["Example"]
        options = [o for o in self.word.options() if isinstance(o.kind, Choice | Flag)]
        return [text, *(f"{text[:-1]}, {o.name} = {o.kind.to_source(v)})" for o in options for v in self.values(o))]

    @cached_property
    def found(self) -> tuple[Layer | None, Span | None]:
        """The layer that the example makes, and its place; None for a word that stands for other layers."""
        example = word_page(self.word).facts["Example"]
        for shape in check_example(self.word, self.inputs):
            graph = compiled(in_a_net(self.word, example, shape)).graph
            assert graph is not None
            nodes: list[Node] = [node for block in graph.subgraphs() for node in block.nodes]
            for node in nodes:
                if type(node.operation) is self.word:
                    return node.operation, node.span
        return None, None

    def values(self, option: Option) -> list[Any]:
        """A few values that an option takes."""
        given = self.given.get(option.name)
        return [option.kind.accept(v) for v in given] if given is not None else values_of(option.kind)


def values_of(kind: Kind) -> list[Any]:
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
            return [value for inner in kinds for value in values_of(inner)]
        case OneWord(of=category):
            return [word for word in _some_words(category) if _takes(kind, word)]
    return [value for value in (1, 2, 4, 0.25) if _takes(kind, value)]


SOME = {"activation": "relu gelu", "init": "he_normal normal", "layer": "gru"}
"""Words that are tried where one of their category may stand."""


def _some_words(category: str) -> Iterator[Word]:
    for name in SOME.get(category, "").split():
        word = words(category)[name]
        numbers: dict[str, Any] = {o.field: 3 for o in word.options() if o.is_required}
        if any(o.name == "return" for o in word.options()):
            numbers["return_"] = "last"
        yield word(**numbers)


def _takes(kind: Kind, value: Any) -> bool:
    try:
        kind.accept(value)
    except Mismatch:
        return False
    return True
