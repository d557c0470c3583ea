"""Norms that are written as several operators, each as one node; and nodes that nothing reads, which are dropped."""

from __future__ import annotations

from collections import Counter
from typing import Any

from netspec.interchange.onnx.reading.constants import FOLDS
from netspec.interchange.onnx.reading.graph import Graph, Node
from netspec.language.lazy import np


class Idioms:
    """Finds the norms of a graph.

    Args:
        graph: the graph.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.makers = {name: node for node in graph.nodes for name in node.outputs}

    def replaced(self) -> list[Node]:
        """The nodes, with norms as one node each, without those that nothing reads."""
        nodes = [self._norm(node) or self._softmax(node) or node for node in self.graph.nodes]
        uses = Counter(self.graph.outputs)
        kept = []
        for node in reversed(nodes):
            if any(uses[name] for name in node.outputs):
                uses.update(node.inputs)
                kept.append(node)
        return kept[::-1]

    def _maker(self, name: str, *kinds: str) -> Node | None:
        """The node that computes a tensor, if it is of one of these types."""
        node = self.makers.get(name)
        while node is not None and node.kind in ("Identity", "Cast"):
            node = self.makers.get(node.inputs[0])
        return node if node is not None and node.kind in kinds else None

    def _number(self, name: str) -> float | None:
        """A constant of one number."""
        if name in self.graph.tensors:
            tensor = self.graph.tensors[name]
            return float(self.graph.array(name).reshape(-1)[0]) if np.prod(tensor.dims, dtype=float) == 1 else None
        node = self._maker(name, "Constant")
        if node is None or "value_string" in node.attributes:
            return None
        array = np.asarray(FOLDS["Constant"](node, [])).reshape(-1)
        return float(array[0]) if array.size == 1 else None

    def _norm(self, node: Node) -> Node | None:
        """The norm whose last operator this is."""
        if node.kind not in ("Div", "Mul") or len(node.inputs) != 2:
            return None
        for top, below in (node.inputs, node.inputs[::-1])[: 1 if node.kind == "Div" else 2]:
            inner = below if node.kind == "Div" else self._inverse(below)
            found = None if inner is None else self._divided(node, top, inner)
            if found is not None:
                return found
        return None

    def _softmax(self, node: Node) -> Node | None:
        """The probabilities, or their logarithms, whose last operator this is."""
        if node.kind not in ("Div", "Sub") or len(node.inputs) != 2:
            return None
        top, below = node.inputs
        if node.kind == "Div":
            exponential, total = self._maker(top, "Exp"), self._maker(below, "ReduceSum")
        else:
            logarithm = self._maker(below, "Log")
            total = None if logarithm is None else self._maker(logarithm.inputs[0], "ReduceSum")
            exponential = None if total is None else self._maker(total.inputs[0], "Exp")
        if exponential is None or total is None or self._maker(total.inputs[0], "Exp") is not exponential:
            return None
        score, axes = exponential.inputs[0], self._axes(total)
        if axes is None or len(axes) != 1 or (node.kind == "Sub" and self._same(top) != self._same(score)):
            return None
        shift = self._maker(score, "Sub")
        largest = None if shift is None else self._maker(shift.inputs[1], "ReduceMax")
        if shift is not None and largest is not None and self._axes(largest) == axes:
            score = shift.inputs[0] if self._same(largest.inputs[0]) == self._same(shift.inputs[0]) else score
        kind = "idiom.Softmax" if node.kind == "Div" else "idiom.LogSoftmax"
        return Node(kind, node.name, [score], node.outputs, {"axis": axes[0]}, node.scopes)

    def _same(self, name: str) -> str:
        """A tensor before operators that leave its numbers as they are."""
        node = self.makers.get(name)
        while node is not None and node.kind in ("Identity", "Cast"):
            name = node.inputs[0]
            node = self.makers.get(name)
        return name

    def _inverse(self, name: str) -> str | None:
        """What a tensor is the inverse of."""
        node = self._maker(name, "Reciprocal", "Div", "Pow")
        if node is None:
            return None
        if node.kind == "Reciprocal":
            return node.inputs[0]
        if node.kind == "Div":
            return node.inputs[1] if self._number(node.inputs[0]) == 1 else None
        return name if self._number(node.inputs[1]) == -0.5 else None

    def _divided(self, node: Node, top: str, below: str) -> Node | None:
        """`top` divided by `below`, as a norm."""
        total = self._under_root(below)
        if total is None:
            return self._by_length(node, top, below)
        add = self._maker(total, "Add")
        if add is None:
            return None
        for mean, constant in (add.inputs, add.inputs[::-1]):
            epsilon, reduced = self._number(constant), self._maker(mean, "ReduceMean")
            variance = self._maker(mean, "Sub")
            if variance is not None and epsilon is not None and epsilon > 0:
                return self._by_means(node, top, variance, epsilon)
            if epsilon is None or reduced is None or epsilon <= 0:
                continue
            square, axes = self._square(reduced.inputs[0]), self._axes(reduced)
            if square is None or axes is None:
                continue
            center = self._center(top, axes)
            if center is not None and (square == top or self._center(square, axes) == center):
                return self._made(node, "LayerNorm", center, axes, epsilon)
            if square == top:
                return self._made(node, "RMSNorm", top, axes, epsilon)
        return None

    def _by_means(self, node: Node, top: str, variance: Node, epsilon: float) -> Node | None:
        """A norm whose variance is the mean of the squares less the square of the mean."""
        squares, mean = self._maker(variance.inputs[0], "ReduceMean"), self._square(variance.inputs[1])
        if squares is None or mean is None or (axes := self._axes(squares)) is None:
            return None
        center, x, average = self._center(top, axes), self._square(squares.inputs[0]), self._maker(mean, "ReduceMean")
        if center is None or x != center or average is None or average.inputs[0] != x or self._axes(average) != axes:
            return None
        return self._made(node, "LayerNorm", x, axes, epsilon)

    def _made(self, node: Node, kind: str, x: str, axes: list[int], epsilon: float) -> Node:
        options = {"axes": axes, "epsilon": epsilon}
        return Node(f"idiom.{kind}", node.name, [x], node.outputs, options, node.scopes)

    def _under_root(self, name: str) -> str | None:
        """What a tensor is the square root of."""
        root = self._maker(name, "Sqrt", "Pow")
        if root is None or (root.kind == "Pow" and self._number(root.inputs[1]) not in (0.5, -0.5)):
            return None
        return root.inputs[0]

    def _square(self, name: str) -> str | None:
        """What a tensor is the square of."""
        node = self._maker(name, "Mul", "Pow")
        if node is None:
            return None
        is_square = self._number(node.inputs[1]) == 2 if node.kind == "Pow" else node.inputs[0] == node.inputs[1]
        return node.inputs[0] if is_square else None

    def _center(self, name: str, axes: list[int]) -> str | None:
        """The tensor whose mean along axes was subtracted."""
        node = self._maker(name, "Sub")
        mean = None if node is None else self._maker(node.inputs[1], "ReduceMean")
        if node is None or mean is None or mean.inputs[0] != node.inputs[0] or self._axes(mean) != axes:
            return None
        return node.inputs[0]

    def _axes(self, node: Node) -> list[int] | None:
        """The axes of a reduction that keeps them."""
        if not node.attributes.get("keepdims", 1):
            return None
        given: Any = node.attributes.get("axes")
        if given is None and len(node.inputs) > 1:
            name = node.inputs[1]
            maker = self._maker(name, "Constant")
            if name in self.graph.tensors:
                given = self.graph.array(name).reshape(-1).tolist()
            elif maker is not None:
                given = np.asarray(FOLDS["Constant"](maker, [])).reshape(-1).tolist()
        return None if given is None else [int(axis) for axis in given]

    def _by_length(self, node: Node, top: str, below: str) -> Node | None:
        """`top` divided by its length, which is at least epsilon."""
        expand = self._maker(below, "Expand")
        bounded = self._maker(below if expand is None else expand.inputs[0], "Clip", "Max", "Sqrt")
        if bounded is None:
            return None
        epsilon = self._number(bounded.inputs[1]) if len(bounded.inputs) > 1 else 0.0
        length = bounded
        if bounded.kind != "Sqrt":
            found = self._maker(bounded.inputs[0], "ReduceL2", "Sqrt")
            if found is None:
                return None
            length = found
        if length.kind == "Sqrt":
            inner = self._maker(length.inputs[0], "Max", "ReduceSumSquare")
            if inner is not None and inner.kind == "Max":
                square = self._number(inner.inputs[1])
                epsilon = None if square is None else square**0.5
                inner = self._maker(inner.inputs[0], "ReduceSumSquare")
            if inner is None:
                return None
            length = inner
        axes = self._axes(length)
        if axes is None or length.inputs[0] != top or not epsilon:
            return None
        return self._made(node, "L2Norm", top, axes, epsilon)
