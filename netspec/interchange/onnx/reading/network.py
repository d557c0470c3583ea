"""The walk through a graph: each node becomes steps of a sketch, or an expression that waits for what reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.onnx.reading.arithmetic import apart, clipped
from netspec.interchange.onnx.reading.constants import BATCH, folded
from netspec.interchange.onnx.reading.graph import Graph, Node
from netspec.interchange.onnx.reading.names import place_of
from netspec.interchange.onnx.reading.pointwise import NARY, UNARY, Affine, Bounds, Expression, recognize
from netspec.interchange.onnx.reading.table import OPERATORS
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.folding import fold
from netspec.interchange.reading.channels_first.layout import AlreadyLost, CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.reading.sketch import Step
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.shape import Dim

MAX_OPERATORS = 32
"""The longest expression that is one activation has fewer operators."""
BAD = (ValueError, IndexError, KeyError, TypeError, OverflowError, ArithmeticError, AttributeError, StopIteration)
"""What NumPy raises for inputs that do not fit an operator."""


@dataclass(eq=False)
class Deferred:
    """A result that waits for what reads it, such as the scores of an attention; alone netspec has no word for it."""

    name: str
    inside: ClassVar[str] = "`attention`"


class Network:
    """What has been read so far.

    Args:
        graph: the file.
        builder: builds the sketch.
    """

    def __init__(self, graph: Graph, builder: Builder) -> None:
        self.graph = graph
        self.builder = builder
        self.found: dict[str, Any] = {}
        self.batch: int | None = None
        self.tables: dict[str, Step] = {}
        self.masked: dict[Step, Any] = {}
        self.silenced: set[Step] = set()

    # ---------------------------------------------------------------- inputs of nodes

    def get(self, name: str) -> Any:
        """A tensor, a constant, or what waits; None for an input that is left out."""
        if not name:
            return None
        if name not in self.found and name in self.graph.tensors:
            self.found[name] = self.graph.array(name)
        return self.found[name]

    def constant(self, node: Node, index: int) -> Array | None:
        """An input that is a constant; None if it is left out.

        Raises:
            CannotSay: it is computed from the input of the network.
        """
        found = self.get(node.inputs[index]) if index < len(node.inputs) else None
        if found is not None and not isinstance(found, np.ndarray):
            raise CannotSay(f"its input `{node.inputs[index]}` is not a constant")
        return found

    def is_constant(self, node: Node, index: int) -> bool:
        return index < len(node.inputs) and isinstance(self.get(node.inputs[index]), np.ndarray)

    def tensor(self, node: Node, index: int = 0) -> Value:
        """An input as a tensor.

        Raises:
            CannotSay: it is a constant.
        """
        found = self.get(node.inputs[index]) if index < len(node.inputs) else None
        if found is None or isinstance(found, np.ndarray):
            raise CannotSay("its input is a constant")
        return self.made(found)

    def made(self, found: Any) -> Value:
        """A tensor, of one or of what waits."""
        if isinstance(found, Expression):
            return self.realize(found)
        if isinstance(found, Deferred):
            raise CannotSay(f"it reads what {found.name} gives, which netspec has only inside {found.inside}")
        assert isinstance(found, Value)
        return found

    def is_used_once(self, name: str) -> bool:
        return self.graph.uses[name] == 1

    # ---------------------------------------------------------------- the walk

    def read(self) -> None:
        """Read all nodes."""
        for node in self.graph.nodes:
            scope, name = place_of(node, self.graph)
            with self.builder.place(name, scope):
                results = self._results(node)
            self.found.update(zip(node.outputs, results, strict=False))

    def close(self) -> dict[str, tuple[str, Value]]:
        """The outputs: name in the sketch and tensor, by name in the file."""
        names = [name for name in self.graph.outputs if name not in self.graph.inputs]
        found = dict[str, tuple[str, Value]]()
        if not names:
            self.builder.lost(
                f"{self.graph.name} (graph)", "nothing is computed: it has no output that is not an input"
            )
        for name in names:
            x = self.get(name)
            if x is None or isinstance(x, np.ndarray):
                self.builder.lost(f"{name} (output)", "it does not depend on the input")
                continue
            own = name if len(names) > 1 else ""
            try:
                value = self.builder.output(self.made(x), own)
            except CannotSay as reason:
                self.builder.lost(f"{name} (output)", str(reason), advice=reason.advice)
                continue
            found[name] = (own or "output", value)
        self.builder.close()
        self._share()
        return found

    def _share(self) -> None:
        """Steps with the same weights share them, where the file has weights that several nodes read."""
        kernels = {name for name, tensor in self.graph.tensors.items() if len(tensor.dims) > 1}
        if not any(self.graph.uses[name] > 1 for name in kernels):
            return
        owners: dict[str, list[Step]] = {}
        for step in self.builder.sketch.steps:
            if step.layer is None or step.shared is not None or not any(w.ndim > 1 for w in step.weights.values()):
                continue
            others = owners.setdefault(step.layer.to_source(), [])
            step.shared = next((other for other in others if _have_same(step.weights, other.weights)), None)
            others += [step] if step.shared is None else []

    def _results(self, node: Node) -> Sequence[Any]:
        try:
            given = [self.get(name) for name in node.inputs]
            if any(isinstance(x, Value) and x.is_lost for x in given):
                return [next(x for x in given if isinstance(x, Value) and x.is_lost)] * len(node.outputs)
            if all(x is None or isinstance(x, np.ndarray) for x in given):
                constants = folded(node, given)
                if constants is not None:
                    return constants
            result = self.read_one(node)
            return result if isinstance(result, list) else [result]
        except AlreadyLost as lost:
            return [Value(lost.step, (0,))] * len(node.outputs)
        except Unplaced as bad:
            return self._lost(node, bad.kind(**bad.fields).message)
        except CannotSay as reason:
            return self._lost(node, str(reason), reason.advice)
        except BAD as error:
            return self._lost(node, f"its inputs do not fit it ({error})")

    def _lost(self, node: Node, reason: str, advice: str = "") -> list[Value]:
        return [self.builder.lost(node.what, reason, advice=advice)] * len(node.outputs)

    def read_one(self, node: Node) -> Any:
        """What a node computes.

        Raises:
            CannotSay: netspec has nothing for it.
        """
        given = [self.get(name) for name in node.inputs]
        if any(isinstance(x, Deferred) for x in given):
            return OPERATORS["of deferred"](self, node)
        if node.kind == "Shape":
            return self._shape(node)
        expression = self._expression(node, given)
        if expression is not None:
            return expression
        if node.kind not in OPERATORS:
            raise CannotSay(f"netspec has no operator `{node.kind}`")
        return OPERATORS[node.kind](self, node)

    def _shape(self, node: Node) -> Array:
        x = self.tensor(node)
        sizes = [BATCH if own == 0 else x.size(axis) for axis, own in enumerate(x.axes)]
        part = sizes[node.attributes.get("start", 0) : node.attributes.get("end")]
        return np.array(part, object if any(isinstance(size, Dim) for size in part) else np.int64)

    # ---------------------------------------------------------------- functions of each number

    def _expression(self, node: Node, given: list[Any]) -> Expression | None:
        """A function of one tensor, if the node is one."""
        function = UNARY.get(node.kind) or NARY.get(node.kind)
        if function is None or any(isinstance(x, Deferred) for x in given):
            return None
        arguments = [_plain(x) for x in given]
        roots = {id(r): r for r in map(_root, arguments) if r is not None}
        if len(roots) != 1 or any(isinstance(x, np.ndarray) for x in arguments):
            return None
        (root,) = roots.values()
        options = dict(node.attributes)
        if node.kind == "Clip":
            arguments += [options.pop(name, None) for name in ("min", "max") if name in options]
        if options and node.kind in UNARY:
            inner = function
            known = {name: value for name, value in options.items() if name != "consumed_inputs"}
            function = lambda *xs: inner(*xs, **known)  # noqa: E731
        place = (self.builder.here.name, self.builder.here.scope)
        return Expression(root, node.kind, arguments, function, node.what, place, options)

    def realize(self, expression: Expression) -> Value:
        """The tensor of an expression: one activation if it is one, or else one operator after the other."""
        if expression.value is None and expression.depth > MAX_OPERATORS:
            for part in sorted(expression.inside(), key=lambda e: e.depth):
                if part.depth % MAX_OPERATORS == 0 and not part.is_end:
                    self.realize(part)
                    part.is_end = True
        if expression.value is None:
            name, scope = expression.place
            with self.builder.place(name, scope):
                expression.value = self._realized(expression)
        return expression.value

    def _realized(self, expression: Expression) -> Value:
        variables = [expression.root, *(inner for inner in expression.inside())]
        for variable in sorted(variables, key=lambda v: v.depth if isinstance(v, Expression) else 0):
            found = recognize(expression, variable)
            if found is None:
                continue
            x = self.made(variable)
            if isinstance(found, Affine):
                return self.builder.scale(x, found.factor, found.offset)
            if isinstance(found, Bounds):
                return clipped(self.builder, x, found.low, found.high)
            return self.builder.activation(x, found)
        return self._one(expression)

    def _one(self, expression: Expression) -> Value:
        """The outermost operator of an expression."""
        b, kind = self.builder, expression.kind
        given = [x if x is None or isinstance(x, float) else self.made(x) for x in expression.arguments]
        if any(isinstance(x, Value) and x.is_lost for x in given):
            return next(x for x in given if isinstance(x, Value) and x.is_lost)
        try:
            return apart(b, kind, given, expression.options)
        except CannotSay as reason:
            return b.lost(expression.name, str(reason), advice=reason.advice)

    # ---------------------------------------------------------------- constants of channels

    def affine(self, node: Node, index: int, factor: Any = None, offset: Any = None) -> Value:
        """A tensor times constants, plus others: part of the weights before it where it is read only here."""
        x = self.tensor(node, index)
        axes = {axis for c in (factor, offset) if c is not None for axis in varying(c, x.rank)}
        if len(axes) == 1 and isinstance(self.get(node.inputs[index]), Value) and self.is_used_once(node.inputs[index]):
            (axis,) = axes
            size = x.size(axis) if axis < x.rank and x.axes[axis] != 0 else None
            numbers = [None if c is None else _along(c, axis, size, x.rank) for c in (factor, offset)]
            if size == next(n.size for n in numbers if n is not None) and fold(x, axis, *numbers):
                return x
        return self.builder.scale(x, 1.0 if factor is None else factor, 0.0 if offset is None else offset)


def _have_same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """Whether weights are equal, and not all one number."""
    if a.keys() != b.keys() or not all(np.array_equal(a[name], b[name]) for name in a):
        return False
    return any(w.ndim > 1 and np.ptp(w) for w in a.values())


def _plain(x: Any) -> Any:
    """A constant of one number as that."""
    if isinstance(x, np.ndarray) and x.size and x.dtype != object:
        first = x.reshape(-1)[0]
        if x.size == 1 or (x.size < 2**24 and np.all(x == first) and x.ndim < 2):
            return float(first)
    return x


def _root(x: Any) -> Value | None:
    return x.root if isinstance(x, Expression) else x if isinstance(x, Value) else None


def varying(constant: Any, rank: int) -> list[int]:
    """The axes of a tensor of a rank along which a constant differs."""
    return [rank - constant.ndim + axis for axis, size in enumerate(constant.shape) if size != 1]


def _along(constant: Any, axis: int, size: Any, rank: int) -> Any:
    """A constant as a vector along one axis."""
    flat = np.asarray(constant, np.float32).reshape(-1)
    return np.full(size, flat[0]) if flat.size == 1 and isinstance(size, int) else flat
