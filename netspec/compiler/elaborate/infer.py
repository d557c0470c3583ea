"""Builds the typed graph of a whole file, with every shape known.

Input: a `Resolution`, and what is known about the data. Output: a `Graph` without dead nodes, or None when it
could not be built. Shape errors (NS3xx) come from the rules of the layers; here they get their spans.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.compiler.elaborate.apply import Applier, label
from netspec.compiler.elaborate.builder import Builder, PaddedInput, Tensor, Tensors, one_or_several
from netspec.compiler.elaborate.elaboration import Abandon, Frame
from netspec.compiler.elaborate.evaluate import Evaluator
from netspec.compiler.elaborate.values import BAD
from netspec.compiler.errors.names import WrongValue
from netspec.compiler.errors.values import CannotChain, NoInput, NoNetwork, TwoNetworks
from netspec.compiler.ir.graph import Graph, Output, Padding, prune
from netspec.compiler.ir.warnings import warn_channels_first
from netspec.compiler.names.hints.advice import advise_network
from netspec.compiler.names.hints.foreign import find_foreign
from netspec.compiler.names.hints.tables import BATCH_WORDS
from netspec.compiler.names.resolution import Resolution
from netspec.compiler.names.scope import is_size_name
from netspec.compiler.syntax import tree
from netspec.language.corrections import continued
from netspec.language.diagnostics import Note, Problems
from netspec.language.shape import Dim, Shape, Size
from netspec.language.source import Span
from netspec.language.values import Extent, LayerValue, describe
from netspec.language.vocabulary import words
from netspec.layers.sequence.tokens import FilledSteps, Steps


class Inference(Evaluator, Applier):
    """Builds the network of a resolved file."""

    def __init__(self, resolution: Resolution, problems: Problems) -> None:
        super().__init__(resolution, problems)
        self.unknown_sizes = 0
        self.pads: dict[int, int | None] = {}
        self.layers: set[Span] = set()
        """Where lines begin with a layer, which could continue a chain."""
        self.networks: list[Span] = []
        """Where lines without a name are networks."""

    def settings(self, section: str) -> Any:
        """The word of a section with its values, every option in force; BAD when one is wrong."""
        block = self.resolution.settings.get(section)
        try:
            made = self.make_word(words("section")[section], block.values if block is not None else {}, Frame(None))
            return BAD if block is not None and block.is_broken else made
        except Abandon:
            return BAD

    def network(
        self, name: str, defaults: Mapping[str, Shape], default_pads: Mapping[str, int] | None = None
    ) -> Graph | None:
        """The graph of the file; `defaults` are the inputs when the file declares none, `default_pads` the ids that are
        padding in them."""
        builder = Builder(name)
        frame = Frame(builder)
        self.file_frames[self.resolution.scope] = frame
        try:
            tensors = self._inputs(builder, frame, defaults, default_pads or {})
        except Abandon:
            return None
        frame.input = one_or_several(tensors) if tensors else BAD
        results = self._statements(frame)
        if not results and not self.resolution.file.broken and not self.problems.errors:
            self.problems.add(self._no_network())
        elif results and not tensors and not self.problems.errors:
            self.problems.add(NoInput(span=results[0][2]))
        if not results or not tensors or any(r is BAD for _, r, _ in results):
            return None
        builder.graph.outputs = [Output(n, builder.edge_of(t), padding=_padding(t)) for n, t, _ in results]
        return prune(builder.graph)

    def _no_network(self) -> NoNetwork:
        file = self.resolution.file
        names = [s.name for s in file.statements if isinstance(s, tree.Assign | tree.Share)]
        if names:
            return NoNetwork(span=names[-1].span, case="named", name=names[-1].name)
        end = len(file.source.text.rstrip())
        return NoNetwork(span=Span(file.source, max(0, end - 1), end))

    def _statements(self, frame: Frame) -> list[tuple[str | None, Any, Span]]:
        results: list[tuple[str | None, Any, Span]] = []
        for statement in self.resolution.file.statements:
            try:
                match statement:
                    case tree.Assign() | tree.Share() | tree.Param():
                        symbol = self.resolution.names_of_statements.get(id(statement))
                        if symbol is not None and symbol not in frame.values:
                            self.value_of(symbol, frame, statement.name)
                        if symbol is not None:
                            label(frame.builder, symbol.name, frame.values.get(symbol))
                    case tree.Output(name=name, value=expression):
                        symbol = self.resolution.names_of_statements[id(statement)]
                        results.append((name.name, self.value_of(symbol, frame, name), expression.span))
                        label(frame.builder, name.name, results[-1][1])
                    case tree.ExpressionStatement(value=expression):
                        results.append((None, self._unnamed(expression, frame), expression.span))
            except Abandon:
                if isinstance(statement, tree.Output | tree.ExpressionStatement):
                    label_name = statement.name.name if isinstance(statement, tree.Output) else None
                    results.append((label_name, BAD, statement.span))
        has_outputs = any(name is not None for name, _, _ in results)
        for span in self.networks if has_outputs else self.networks[1:]:
            fixes = continued(span) if span in self.layers else ()
            self.problems.add(TwoNetworks(span=span, notes=(Note(results[0][2], "the first one"),), fixes=fixes))
            results.append((None, BAD, span))
        return results

    def _unnamed(self, expression: tree.Expression, frame: Frame) -> Any:
        """The output of a line without a name; BAD for the layers of a second one, since what they get is not known."""
        value = self.evaluate(expression, frame)
        if isinstance(value, LayerValue) or (value is BAD and self._begins_with_layer(expression)):
            self.layers.add(expression.span)
            self.networks.append(expression.span)
            return BAD if len(self.networks) > 1 else self.flow_out(value, expression, frame)
        value = self.flow_out(value, expression, frame)
        if value is not BAD:  # a line that is wrong may not be meant as a network
            self.networks.append(expression.span)
        return value

    def _begins_with_layer(self, expression: tree.Expression) -> bool:
        """Whether an expression with a mistake begins with a layer, if only one of another library."""
        while isinstance(expression, tree.Chain | tree.Binary | tree.Group):
            expression = next(child for child in expression.children() if isinstance(child, tree.Expression))
        name = expression.function if isinstance(expression, tree.Call) else expression
        if not isinstance(name, tree.Name):
            return False
        if name.name.partition(".")[0] != name.name and name.name.partition(".")[0] in self.resolution.scope.names:
            return False  # a method
        symbol = self.resolution.names.get(id(name))
        return symbol.define is not None if symbol is not None else find_foreign(name.name, None) is not None

    def flow_out(self, value: Any, expression: tree.Expression, frame: Frame) -> Any:
        assert frame.builder is not None
        if isinstance(value, LayerValue):
            value = self.apply(value, frame.input, frame.builder)
        if value is BAD or isinstance(value, Tensor):
            return value
        if isinstance(value, Tensors):
            shapes = " and ".join(str(t.shape) for t in value.items)
            return self.report(CannotChain(span=expression.span, case="several", what=shapes))
        span, advice = advise_network(expression, self.resolution.names, value)
        case = "list" if advice else "network"
        return self.report(CannotChain(span=span, case=case, what=describe(value), advice=advice))

    # ------------------------------------------------------------ inputs

    def _inputs(
        self, builder: Builder, frame: Frame, defaults: Mapping[str, Shape], default_pads: Mapping[str, int]
    ) -> list[Tensor]:
        tensors = []
        for declaration in self.resolution.inputs:
            shape = self._shape(declaration.shape, frame)
            symbol = self.resolution.names_of_statements.get(id(declaration))
            if symbol is not None:
                frame.values[symbol] = BAD
            if shape is None:
                continue
            warn_channels_first(shape, declaration.shape.span, self.problems)
            name = declaration.name.name if declaration.name is not None else "x"
            tensor = Tensor(builder, builder.add_input(name, shape, declaration.span), shape)
            if id(declaration.shape) in self.pads:
                tensor = _padded(tensor, self.pads[id(declaration.shape)], name)
            tensors.append(tensor)
            if symbol is not None:
                frame.values[symbol] = tensor
                builder.graph.labels[name] = tensor.edge
        if not self.resolution.inputs:
            for name, shape in defaults.items():
                label_name = "x" if len(defaults) == 1 else name
                tensor = Tensor(builder, builder.add_input(label_name, shape, None), shape)
                padded = PaddedInput(tensor, default_pads[name]) if name in default_pads else None
                tensors.append(tensor.replace(padded=padded))
        elif len(tensors) < len(self.resolution.inputs):
            return []
        return tensors

    def _shape(self, node: tree.Expression, frame: Frame) -> Shape | None:
        if isinstance(node, tree.TokenShape):
            matched = self.resolution.arguments.get(id(node), {})
            made = self.make_word(words("shape")[node.word], matched, frame)
            length = self._shape(node.length, frame) if node.length is not None else Shape(())
            if made is BAD or length is None:
                return None
            if isinstance(made, Steps):
                if made.pad:
                    self.pads[id(node)] = None
                return Shape((*length.sizes, made.features))
            self._keep_pad(node, made, matched)
            return Shape(length.sizes, made.vocabulary)
        sizes: list[Size] = []
        for item in node.items if isinstance(node, tree.TupleLiteral) else (node,):
            new = self._sizes(item, frame)
            if new is None:
                return None
            sizes.extend(new)
        return Shape(tuple(sizes))

    def _keep_pad(self, node: tree.TokenShape, made: Any, matched: Mapping[str, Any]) -> None:
        """Remember the padding id; one outside the vocabulary never occurs."""
        if made.pad is not None and made.pad >= made.vocabulary:
            span, what, given = matched["pad"].span, "`pad` of `tokens`", str(made.pad)
            expected, size = f"an id from 0 to {made.vocabulary - 1}", made.vocabulary
            wrong = WrongValue(span=span, what=what, expected=expected, given=given, case="pad", vocabulary=size)
            self.report(wrong)
        elif made.pad is not None:
            self.pads[id(node)] = made.pad

    def _sizes(self, item: tree.Expression, frame: Frame) -> tuple[Size, ...] | None:
        is_free = isinstance(item, tree.Name) and id(item) not in self.resolution.names
        if is_free and item.span.text.lower() in BATCH_WORDS:
            return None  # reported by resolve
        if isinstance(item, tree.Name) and is_free and is_size_name(item.name):
            self.unknown_sizes += item.name == "_"
            return (Dim.named(f"_{self.unknown_sizes}" if item.name == "_" else item.name),)
        value = self.evaluate(item, frame)
        if value is BAD:
            return None
        sizes = value.sizes if isinstance(value, Extent) else (value,)
        if all(isinstance(s, Dim) or (isinstance(s, int) and not isinstance(s, bool) and s > 0) for s in sizes):
            return tuple(sizes)
        what, expected = "a size of the input", "a positive integer, or an upper-case name such as H"
        self.report(WrongValue(span=item.span, what=what, expected=expected, given=describe(value), case="size"))
        return None


def _padded(tensor: Tensor, pad: int | None, name: str) -> Tensor:
    """An input with padding: ids as they are, readings with zeros in the place of padded steps."""
    padded = PaddedInput(tensor, pad)
    if pad is not None:
        return tensor.replace(padded=padded)
    builder, shape = tensor.builder, tensor.shape
    edge = builder.add(FilledSteps(), (tensor.edge,), (shape,), span=tensor.span, name=f"{name}_steps")
    return Tensor(builder, edge, shape, padded)


def _padding(tensor: Tensor) -> Padding | None:
    """The padding of an output."""
    if tensor.padded is None:
        return None
    source = tensor.padded.tensor
    return Padding(source.builder.graph.nodes[source.edge.node].name, tensor.padded.id)
