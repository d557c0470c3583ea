"""The canonical form of a spec: its network, settings and data as plain data, and a hash over them.

Input: a compilation without errors. Output: `Meaning`, which a run saves as `meaning.json`. Formatting, comments,
the names of params, unused blocks and the names of layers without weights do not change the hash; the names of layers
with weights do, since files of weights are read by them.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

from netspec.compiler.ir.cost import total_cost, weights_by_layer
from netspec.compiler.ir.graph import Edge, Graph, Input, Node, SharedModule, prune
from netspec.compiler.ir.printer import size_json
from netspec.compiler.syntax import tree
from netspec.data.checks.network import join_targets, pair_names, with_padding
from netspec.data.dataset.dataset import Target
from netspec.language.shape import Shape
from netspec.language.word import Option, Word
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Linear
from netspec.layers.base import Layer
from netspec.spec.compilation import Compilation
from netspec.spec.network_ends import input_shapes, output_heads, output_name
from netspec.training.recipe.recipe import Recipe, make_recipe

FORMAT = 2
MAX_LENGTH = 200
"""Options longer than this (kernels given as numbers) are replaced by a checksum."""

Value: TypeAlias = "str | dict[str, Any] | list[Any]"
"""A value: as in a spec; a word with options as `{"word", "text", "options"}`; a chain as a list."""


@dataclass(frozen=True)
class Meaning:
    """The meaning of a spec, as plain data for JSON.

    `inputs` has shapes by name. A layer has `name`, `word`, `text` (as in a spec), `options` (with defaults), `inputs`
    (indices in the list, or names of inputs), `shared` (the index of the first use), `shape`, `parameters`, `has_name`
    (whether weights are saved under its name). `outputs` has `name` and `from`. `train` and `data` have every setting,
    implied ones too; `expect` and `params` are for reading only.
    """

    name: str
    inputs: dict[str, str]
    layers: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    train: dict[str, Value]
    data: dict[str, Value]
    expect: list[str]
    params: dict[str, str]
    totals: dict[str, int | str]

    @property
    def hash(self) -> str:
        """16 hexadecimal digits over what is trained, how, and on what."""
        settings = {"train": _bare(self.train), "data": _bare(self.data)}
        return _digits({"format": FORMAT, **self._network, **settings})

    @property
    def network_hash(self) -> str:
        """16 hexadecimal digits over the network alone."""
        return _digits({"format": FORMAT, **self._network})

    @property
    def _network(self) -> dict[str, Any]:
        layers = [
            [layer["name"] if layer["has_name"] else None, layer["word"], _bare(layer["options"]), *_wires(layer)]
            for layer in self.layers
        ]
        return {"inputs": self.inputs, "network": layers, "outputs": self.outputs}

    def as_json(self) -> dict[str, Any]:
        return {"format": FORMAT, "hash": self.hash, **self.__dict__}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Meaning:
        """Raises KeyError when something is missing."""
        return cls(**{name: record[name] for name in cls.__dataclass_fields__})


def _digits(parts: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def meaning_of(compilation: Compilation) -> Meaning:
    """The meaning of a spec.

    Raises:
        CompileError: it has errors.
    """
    graph = prune(compilation.network)
    totals = total_cost(graph)
    layers, ends = _layers(graph)
    return Meaning(
        name=compilation.name,
        inputs={node.name: str(node.shape) for node in graph.input_nodes},
        layers=layers,
        outputs=[
            {"name": output_name(output), "from": end, "padding": str(output.padding) if output.padding else None}
            for output, end in zip(graph.outputs, ends, strict=True)
        ],
        train=_train_settings(compilation),
        data=_data_settings(compilation),
        expect=[_one_line(e) for e in compilation.resolution.expectations],
        params={p.name: _one_line(p.expression) for p in compilation.resolution.params if p.expression is not None},
        totals={
            "parameters": totals.trainable,
            "frozen": totals.frozen,
            "state": totals.state,
            "macs": size_json(totals.macs),
        },
    )


def _one_line(expression: tree.Expression) -> str:
    return " ".join(expression.span.text.split())


# ---------------------------------------------------------------- values and settings


def _settings(word: Word) -> dict[str, Value]:
    """Every option of a word, but for the name of a layer."""
    implied_defaults = word.implied_defaults()
    return {
        option.key: _canonical(option, getattr(word, option.field), implied_defaults.get(option.name, "none"))
        for option in word.options()
        if not (option.name == "name" and isinstance(word, Layer))
    }


def _canonical(option: Option, value: object, implied: str = "none") -> Value:
    """The value of an option in its canonical form; `implied` is the default that None resolves to."""
    if isinstance(value, Word):
        options = _settings(value)
        return {"word": value.word, "text": value.to_source(), "options": options} if options else value.to_source()
    if isinstance(value, tuple | list) and value and all(isinstance(item, Word) for item in value):
        items = [_canonical(option, item) for item in value]
        return items[0] if len(items) == 1 else items
    text = implied if value is None else option.kind.to_source(value)
    if len(text) > MAX_LENGTH:
        return f"{text[:40]}… ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
    return text


def _data_settings(compilation: Compilation) -> dict[str, Value]:
    """The section `data`, without what makes no difference, and without `folds` where there are none."""
    settings = _settings(compilation.data)
    without = {"stream", *(name for name in ("folds", "fold") if getattr(compilation.data, name) is None)}
    return {name: value for name, value in settings.items() if name not in without}


def _train_settings(compilation: Compilation) -> dict[str, Value]:
    """The section `train`, with the settings that follow from the network and the data."""
    settings = _settings(compilation.train)
    recipe = recipe_of(compilation)
    for option in compilation.train.options():
        if recipe is None or getattr(compilation.train, option.field) is not None:
            continue
        if hasattr(recipe, option.field):
            settings[option.name] = _canonical(option, getattr(recipe, option.field))
            continue
        values = {name: _canonical(option, getattr(o, option.field, None)) for name, o in recipe.outputs.items()}
        if len({json.dumps(value) for value in values.values()}) == 1:
            settings[option.name] = next(iter(values.values()))
        else:
            del settings[option.name]
            settings.update({f"{option.name} of {name}": value for name, value in values.items()})
    return settings


def recipe_of(compilation: Compilation, otherwise: Mapping[str, Target] | None = None) -> Recipe | None:
    """The recipe as far as it is known without loading data.

    Args:
        compilation: a spec without mistakes.
        otherwise: the assumed target of each output, for a spec without data; None: there is no recipe then.
    """
    graph, facts = compilation.optimized, compilation.facts
    heads = output_heads(graph, compilation.train.loss)
    if facts is not None:
        facts = with_padding(join_targets(facts, heads), input_shapes(graph), heads)
        targets = {name: facts.targets[key] for name, key in pair_names(facts.targets, heads).items()}
    elif otherwise is not None:
        targets = dict(otherwise)
    else:
        return None
    layers = weights_by_layer(graph)
    return make_recipe(compilation.train, heads, targets, has_val=compilation.has_val, layers=layers)


def _bare(value: Any) -> Any:
    """A value without the texts that are for people only."""
    if isinstance(value, dict):
        return {key: _bare(item) for key, item in value.items() if key != "text" or "word" not in value}
    return [_bare(item) for item in value] if isinstance(value, list) else value


# ---------------------------------------------------------------- the network


Source: TypeAlias = "int | str"
"""Where a tensor comes from: an index in the list of layers, or the name of an input."""


@dataclass
class _Flat:
    """A layer and its position in the flattened network."""

    path: tuple[str, ...]
    layer: Layer
    node: Node
    shapes: tuple[Shape, ...]
    inputs: list[Source]
    mask: Source | None
    shared: Source | None

    @property
    def is_shared(self) -> bool:
        return self.shared is not None or self.node.shared is not None

    @property
    def weights(self) -> dict[str, tuple[int, ...]]:
        """The shapes of its parameters and its state, by name."""
        return {**self.layer.parameters(*self.shapes), **self.layer.state(*self.shapes)}


class _Opener:
    """Flattens the blocks of a network to one list of layers, in the order of the computation."""

    def __init__(self) -> None:
        self.flats: list[_Flat] = []
        self.first_uses: dict[tuple[object, SharedModule], int] = {}
        self.holders: dict[object, object] = {}
        """By the identity of a block, the use of it that is being flattened: each has its own shared layers."""

    def open(self, graph: Graph, path: tuple[str, ...], feeds: list[Source], twin: int | None = None) -> list[Source]:
        """Add the layers of a block; returns where its outputs come from.

        Args:
            graph: the block.
            path: the names around it.
            feeds: where its inputs come from.
            twin: for another use of a shared block, the index of the first layer of its first use.
        """
        before = self.holders.get(graph.identity)
        self.holders[graph.identity] = object()
        ends: dict[Edge, Source] = dict(zip((Edge(i) for i in graph.inputs), feeds, strict=True))
        begin = len(self.flats)
        for index, node in enumerate(graph.nodes):
            if isinstance(node.operation, Input):
                continue
            sources = [ends[edge] for edge in node.inputs]
            first = self._first_use(node)
            if first is None and twin is not None:
                first = twin + len(self.flats) - begin
            here = (*path, node.name)
            if isinstance(node.operation, Graph):
                results = self.open(node.operation, here, sources, first)
                ends.update({Edge(index, port): end for port, end in enumerate(results)})
                continue
            mask = ends[node.mask] if node.mask is not None else None
            self.flats.append(_Flat(here, node.operation, node, graph.input_shapes(node), sources, mask, first))
            ends[Edge(index)] = len(self.flats) - 1
        self.holders[graph.identity] = before
        return [ends[output.edge] for output in graph.outputs]

    def _first_use(self, node: Node) -> int | None:
        """The index of the first use of a shared layer or block; None for first uses and those that are not shared."""
        if node.shared is None:
            return None
        key = (self.holders[node.shared.owner], node.shared)
        if key in self.first_uses:
            return self.first_uses[key]
        self.first_uses[key] = len(self.flats)
        return None


def _layers(graph: Graph) -> tuple[list[dict[str, Any]], list[Source]]:
    """Every layer of a network, and where its outputs come from."""
    opener = _Opener()
    ends = opener.open(graph, (), [node.name for node in graph.input_nodes])
    flats, ends = _joined(opener.flats, ends)
    return [_entry(flat) for flat in flats], ends


def _joined(flats: list[_Flat], ends: list[Source]) -> tuple[list[_Flat], list[Source]]:
    """The list without identity layers, and with activations as options of the layers before them if those have none:
    `conv(8) -> relu` is `conv(8, relu)`."""
    reads = Counter([*ends, *(source for flat in flats for source in (*flat.inputs, flat.mask))])
    for index, flat in enumerate(flats):
        if flat.shared is not None:  # a layer in a shared block is treated alike in every use
            reads[flat.shared] = max(reads[flat.shared], reads[index])
    folded: set[int] = set()
    indices: list[Source] = []
    kept: list[_Flat] = []

    def moved(source: Source) -> Source:
        return indices[source] if isinstance(source, int) else source

    for index, flat in enumerate(flats):
        only = flat.inputs[0] if len(flat.inputs) == 1 else None
        flat.inputs = [moved(source) for source in flat.inputs]
        flat.mask = None if flat.mask is None else moved(flat.mask)
        before = kept[flat.inputs[0]] if isinstance(only, int) and isinstance(flat.inputs[0], int) else None
        twin = flat.shared
        flat.shared = None if twin is None else moved(twin)
        if flat.layer.is_identity and not flat.is_shared:
            indices.append(flat.inputs[0])
        elif before is not None and (twin in folded or (twin is None and reads[only] == 1 and _takes(before, flat))):
            before.layer = before.layer.replace(activation=flat.layer.activation_word)
            indices.append(flat.inputs[0])
            folded.add(index)
        else:
            indices.append(len(kept))
            kept.append(flat)
    return kept, [moved(end) for end in ends]


def _takes(flat: _Flat, after: _Flat) -> bool:
    """Whether a layer may have the activation after it as its option."""
    free = hasattr(flat.layer, "activation") and flat.layer.activation_word in (None, Linear())
    is_plain = isinstance(after.layer, ActivationLayer) and not after.weights
    return free and is_plain and not flat.is_shared and not after.is_shared and flat.path[:-1] == after.path[:-1]


def _entry(flat: _Flat) -> dict[str, Any]:
    layer = flat.layer
    word = layer.activation_word if isinstance(layer, ActivationLayer) else layer
    assert word is not None
    weights = flat.weights
    return {
        "name": "/".join(flat.path),
        "word": word.word,
        "text": word.to_source(),
        "options": _settings(word),
        "inputs": flat.inputs,
        "mask": flat.mask,
        "shared": flat.shared,
        "shape": str(flat.node.shape),
        "parameters": 0 if flat.shared is not None else sum(prod(shape) for shape in weights.values()),
        "has_name": bool(weights) and flat.shared is None,
    }


def _wires(layer: Mapping[str, Any]) -> tuple[Any, ...]:
    return layer["inputs"], layer["mask"], layer["shared"]
