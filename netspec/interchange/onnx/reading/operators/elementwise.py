"""Operators on each number of one or several tensors."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from netspec.interchange.errors import NotImported
from netspec.interchange.onnx.reading.arithmetic import combined
from netspec.interchange.onnx.reading.graph import FLOAT_TYPES, Node
from netspec.interchange.onnx.reading.network import Deferred, Network, varying
from netspec.interchange.onnx.reading.pointwise import Expression
from netspec.interchange.onnx.reading.table import reads
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np
from netspec.layers import activations as words


@reads("Add", "Sum", "Sub", "Mul", "Div", "Max", "Min", "Mean", "Pow")
def merge(network: Network, node: Node) -> Value:
    """Tensors, or a tensor and constants of its channels or positions."""
    given = [network.get(name) for name in node.inputs]
    constants = [i for i, x in enumerate(given) if isinstance(x, np.ndarray)]
    if not constants:
        return combined(network.builder, node.kind, [network.made(x) for x in given])
    if len(given) != 2:
        raise CannotSay("it joins several tensors and constants")
    (index,) = constants
    return with_constant(network, node, 1 - index, given[index].astype(np.float32))


def with_constant(network: Network, node: Node, index: int, constant: Any) -> Value:
    """The tensor at an index, and a constant array."""
    first, kind = index == 0, node.kind
    if kind in ("Add", "Sum"):
        return network.affine(node, index, offset=constant)
    if kind == "Mul":
        return network.affine(node, index, factor=constant)
    if kind == "Sub":
        if first:
            return network.affine(node, index, offset=-constant)
        return network.affine(node, index, factor=np.full((1,) * constant.ndim, -1, np.float32), offset=constant)
    if kind == "Div" and first:
        return network.affine(node, index, factor=1 / constant)
    raise CannotSay(f"netspec has no `{kind}` of a tensor and constants")


@dataclass(eq=False)
class Missing(Deferred):
    """Which numbers of a tensor are NaN."""

    value: Value


@reads("IsNaN")
def missing(network: Network, node: Node) -> Missing:
    return Missing(node.what, network.tensor(node))


def filled(network: Network, node: Node, given: list[Any]) -> Value:
    """The tensor in which missing numbers are replaced: that is left out."""
    test, _, x = given if node.kind == "Where" else (None, None, None)
    if not isinstance(test, Missing) or not isinstance(x, Value) or test.value is not x:
        raise CannotSay("it depends on which numbers are missing")
    reason = "numbers that are missing (NaN) are not replaced"
    advice = "`missing = median` in the data replaces them"
    network.builder.sketch.report(NotImported(what=node.what, reason=reason, advice=advice))
    return x


@reads("PRelu")
def prelu(network: Network, node: Node) -> Value:
    x, slopes = network.tensor(node), network.constant(node, 1)
    axes = [] if slopes is None else varying(slopes, x.rank)
    if slopes is None or len(axes) > 1 or x.axes.index(0) in axes:
        raise CannotSay("its slopes differ along several axes, or are not constant")
    return network.builder.activation(x, words.Prelu(), slopes, *axes)


@reads("Softmax", "LogSoftmax")
def softmax(network: Network, node: Node) -> Value:
    x, is_log = network.tensor(node), node.kind == "LogSoftmax"
    if network.graph.opset >= 13:
        return network.builder.softmax(x, node.attributes.get("axis", -1), log=is_log)
    axis = node.attributes.get("axis", 1) % x.rank
    if any(x.is_large(a) for a in range(axis + 1, x.rank)):  # before opset 13 all axes from this one on are one
        if axis != 1:
            raise CannotSay("its probabilities are along several axes")
        y = network.builder.softmax(network.builder.flatten(x), 1, log=is_log)
        return network.builder.reshape(y, [int(str(size)) for size in x.sizes])
    return network.builder.softmax(x, axis, log=is_log)


@reads("idiom.Softmax", "idiom.LogSoftmax")
def written_softmax(network: Network, node: Node) -> Value:
    """Probabilities that were written as exponentials and their sum."""
    x, is_log = network.tensor(node), node.kind == "idiom.LogSoftmax"
    return network.builder.softmax(x, node.attributes["axis"], log=is_log)


@reads("Dropout")
def dropout(network: Network, node: Node) -> list[Any]:
    rate: Any = node.attributes.get("ratio", 0.5)
    if network.graph.opset >= 12:
        given = network.constant(node, 1)
        rate = 0.5 if given is None else float(given.reshape(-1)[0])
        training = network.constant(node, 2)
        if training is not None and np.any(training) and rate:
            raise CannotSay("it is in training mode, and gives random numbers")
    if len(node.outputs) > 1 and network.graph.uses[node.outputs[1]]:
        raise CannotSay("its mask is used")
    x = network.get(node.inputs[0])
    if not isinstance(x, Value):
        return [x, None]
    return [network.builder.dropout(x, float(f"{rate:.4g}")), None]


@reads("Identity")
def same(network: Network, node: Node) -> Any:
    return network.get(node.inputs[0])


@reads("Cast", "CastLike")
def cast(network: Network, node: Node) -> Any:
    """Numbers of another type, which netspec computes as float32."""
    x = network.get(node.inputs[0])
    if node.kind == "Cast":
        is_float = node.attributes["to"] in FLOAT_TYPES
    else:
        like = network.get(node.inputs[1])
        is_float = not isinstance(like, np.ndarray) or like.dtype == np.float32
    is_whole = isinstance(x, Expression) and x.kind in ("Greater", "Less")
    if not is_float and not is_whole and not (isinstance(x, Value) and x.step.shape.is_tokens):
        raise CannotSay("it rounds numbers to integers, or to a few bits")
    return x
