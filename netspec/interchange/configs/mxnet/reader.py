"""Reads a symbol of MXNet: each operator becomes steps of a sketch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.configs.input_files import InputFile, identifier, read_source, read_weights
from netspec.interchange.configs.mxnet.attributes import Attributes
from netspec.interchange.configs.mxnet.graph import Node, Symbol, read_symbol
from netspec.interchange.configs.mxnet.operators import ARRAYS, OPERATORS
from netspec.interchange.configs.mxnet.site import Site
from netspec.interchange.errors import NoWeights
from netspec.interchange.formats import Foreign
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.reading.sketch import Sketch
from netspec.language.corrections import nearest
from netspec.language.diagnostics import fail

SHAPE = re.compile(r"[1-9]\d{0,8}(?:x[1-9]\d{0,8})*")


def read(source: Any, weights: Path | None, input: str | None = None) -> Foreign:
    """The network of a symbol.

    Args:
        source: the JSON file.
        weights: the `.params` file.
        input: the shape of the input, channels last, where the symbol does not say it.

    Raises:
        CompileError: a file is damaged or the shape of an input is missing (NS570), or arrays are missing (NS575).
        ValueError: `input` is not a shape.
    """
    if input is not None and not SHAPE.fullmatch(input):
        raise ValueError(f"the shape of the input is such as 224x224x3, not {input!r}")
    text, file = read_source(source, "MXNet")
    symbol = read_symbol(text, file)
    arrays = None
    if weights is not None:
        from netspec.interchange.configs.mxnet.params import read_arrays

        arrays = read_arrays(*read_weights(weights, "MXNet"))
    name = Path(source).stem.removesuffix("-symbol")
    sizes = None if input is None else tuple(map(int, input.split("x")))
    return Foreign(sketch=_Reader(symbol, Sketch(name, about=f"From {Path(source).name}"), file, arrays, sizes).read())


class _Reader:
    """Walks the nodes that the outputs need."""

    def __init__(
        self,
        symbol: Symbol,
        sketch: Sketch,
        file: InputFile,
        arrays: dict[str, Array] | None,
        sizes: tuple[int, ...] | None,
    ) -> None:
        self.symbol = symbol
        self.sketch = sketch
        self.file = file
        self.arrays = arrays
        self.sizes = sizes
        self.builder = Builder(sketch)
        self.values: dict[int, list[Value]] = {}
        self.names: set[str] = set()
        self.readers: dict[int, list[Node]] = {}
        self.missing: list[str] = []
        self.places = {id(node): index for index, node in enumerate(symbol.nodes)}

    def read(self) -> Sketch:
        """The sketch with all steps."""
        nodes, needed = self.symbol.nodes, self._needed()
        for index in needed:
            for position, (read, _) in enumerate(nodes[index].inputs):
                if position not in ARRAYS.get(nodes[index].op, ()):
                    self.readers.setdefault(read, []).append(nodes[index])
        inputs = [index for index in needed if self._is_input(index)]
        self._check_shapes([nodes[index] for index in inputs])
        for index in needed:
            if index in inputs:
                self.values[index] = [self._input(nodes[index])]
            elif not nodes[index].is_variable:
                self.values[index] = self._operator(nodes[index])
        if self.missing and not self.sketch.problems.errors:
            lacking = ", ".join(f"`{name}`" for name in self.missing[:8])
            advice = "give the file that belongs to this symbol"
            raise fail(NoWeights(file=self.file.name, layers=f" for {lacking}", advice=advice))
        names: set[str] = set()
        for node, output in self.symbol.heads:
            values = self.values.get(node, [])
            if output >= len(values):
                raise self.file.bad(f"`{nodes[node].name}` has no output {output}", span=nodes[node].span)
            name = identifier(nodes[node].name, names) if len(self.symbol.heads) > 1 else ""
            self.builder.output(values[output], name)
        return self.sketch

    def _needed(self) -> list[int]:
        """The nodes that the outputs are computed from, in their order."""
        nodes = self.symbol.nodes
        waiting, found = [node for node, _ in self.symbol.heads], set()
        while waiting:
            node = waiting.pop()
            if node not in found:
                found.add(node)
                waiting += [read for read, _ in nodes[node].inputs]
        return sorted(found)

    # ---------------------------------------------------------------- inputs

    def _is_input(self, index: int) -> bool:
        """Whether a variable is neither an array of the file nor a label."""
        node = self.symbol.nodes[index]
        if not node.is_variable or (self.arrays is not None and node.name in self.arrays):
            return False
        return bool(self.readers.get(index)) or any(index == head for head, _ in self.symbol.heads)

    def _check_shapes(self, inputs: list[Node]) -> None:
        without = [node for node in inputs if not self._given(node)]
        if not inputs:
            raise self.file.bad("it has no input")
        if (self.sizes is not None and len(without) > 1) or (self.sizes is None and without):
            names = ", ".join(f"`{node.name}`" for node in without[:8])
            advice = "name the shape, channels last: `--input 224x224x3`"
            if len(without) > 1:
                advice = "write it into the symbol: `mx.sym.var('data', shape=(1, 3, 224, 224))`"
            raise self.file.bad(f"it does not say the shape of its input {names}", advice, without[0].span)

    def _given(self, node: Node) -> tuple[int, ...]:
        """The shape that the symbol has for a variable, without the batch; empty where it is not known."""
        try:
            sizes = Attributes(node.attributes).integers("__shape__")
        except CannotSay:
            return ()
        return sizes[1:] if len(sizes) > 1 and all(0 < size < 2**31 for size in sizes[1:]) else ()

    def _input(self, node: Node) -> Value:
        index = self.places[id(node)]
        readers = self.readers.get(index, [])
        given = self._given(node)
        is_first = any(reader.op in CHANNELS_FIRST for reader in self._images(index))
        if self.sizes is not None and (not given or len(given) == len(self.sizes)):
            own = self.sizes
            given = (own[-1], *own[:-1]) if len(own) > 2 or (len(own) == 2 and is_first) else own
        tokens = next((r for r in readers if r.op == "Embedding"), None)
        if tokens is not None:
            try:
                vocabulary = Attributes(tokens.attributes).integer("input_dim", 0)
            except CannotSay:
                vocabulary = 0
            if vocabulary > 0:
                return self.builder.input(identifier(node.name, self.names), given, tokens=vocabulary)
        axes = (0, 2, 1) if len(given) == 2 and is_first else None
        return self.builder.input(identifier(node.name, self.names), given, axes=axes)

    def _images(self, index: int) -> list[Node]:
        """The operators that read a node, past those that work on single numbers."""
        found, waiting, seen = [], [index], set()
        while waiting:
            node = waiting.pop()
            for reader in self.readers.get(node, []):
                place = self.places[id(reader)]
                if place in seen:
                    continue
                seen.add(place)
                found.append(reader)
                if reader.op not in CHANNELS_FIRST and len(seen) < 20:
                    waiting.append(place)
        return found

    # ---------------------------------------------------------------- operators

    def _operator(self, node: Node) -> list[Value]:
        """The outputs of an operator."""
        method = OPERATORS.get(node.op)
        builder = self.builder
        with builder.place(node.name, span=node.span):
            if any(v.is_lost for read, _ in node.inputs for v in self.values.get(read, [])):
                return [next(v for read, _ in node.inputs for v in self.values.get(read, []) if v.is_lost)]
            if method is None:
                close = nearest(node.op, OPERATORS)
                advice = f"the nearest that it has is `{close}`" if close else ""
                return [builder.lost(node.what, f"netspec has no operator `{node.op}`", advice=advice)]
            names = [self.symbol.nodes[read].name for read, _ in node.inputs]
            tensors, constants = self._arguments(node)
            site = Site(
                builder, node, Attributes(node.attributes), tensors, constants, names, self.arrays, self.missing
            )
            try:
                found = method(site)
            except CannotSay as reason:
                return [builder.lost(node.what, str(reason), advice=reason.advice)]
            return found if isinstance(found, list) else [found]

    def _arguments(self, node: Node) -> tuple[list[Value | None], list[Array | None]]:
        """The tensors and the arrays that a node reads, each None where it is the other one."""
        tensors: list[Value | None] = []
        arrays: list[Array | None] = []
        for read, output in node.inputs:
            values = self.values.get(read)
            other = self.symbol.nodes[read]
            if values is not None and output < len(values):
                tensors.append(values[output])
                arrays.append(None)
            else:
                tensors.append(None)
                arrays.append(None if self.arrays is None else self.arrays.get(other.name))
        return tensors, arrays


CHANNELS_FIRST = ("Convolution", "Deconvolution", "Pooling", "BatchNorm", "BatchNorm_v1", "InstanceNorm", "UpSampling")
