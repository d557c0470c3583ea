"""Warnings: what is valid but probably wrong (NS35x).

Each rule is a function over the nodes of a graph; `check_graph` runs all of them over every block once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from netspec.compiler.ir.graph import Graph, Node
from netspec.language.diagnostics import Diagnostic, Note, Problems
from netspec.language.shape import Shape, product
from netspec.language.source import Span
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer, per_axis
from netspec.layers.spatial.conv import Sliding
from netspec.layers.spatial.pool import Pool
from netspec.layers.spatial.windows import dropped


class DropsRows(Diagnostic):
    """The window of a pool or convolution does not reach the last rows or columns, so they are ignored."""

    code = "NS351"
    severity = "warning"
    title = "`{word}` ignores {what} of {shape}"
    label = "the end of the input is dropped"
    hint = {
        "pool": "use `ceil = true` or `pad = same`, or `ceil = false` if this is intended",
        "": "use `pad = same`, or an input size that fits",
    }
    word: str
    what: str
    shape: str


class SoftmaxInside(Diagnostic):
    """A softmax inside the network, or two at its end. It belongs at the end, once: losses work on logits."""

    code = "NS352"
    severity = "warning"
    title = "a softmax inside the network slows learning"
    label = "not the last layer"
    hint = {"": "use relu here; a softmax belongs to the last layer, once", "twice": "remove one of the two"}


class DropoutAfterHead(Diagnostic):
    """A dropout after the last layer, where it only destroys predictions."""

    code = "NS353"
    severity = "warning"
    title = "a dropout after the last layer drops predictions"
    label = "nothing with weights follows it"
    hint = "move it before the last layer"


class BiasBeforeNorm(Diagnostic):
    """A bias before a normalization that subtracts the mean, and the bias with it."""

    code = "NS354"
    severity = "warning"
    title = "the bias of `{word}` has no effect: the `{norm}` after it removes it"
    label = "{count} useless parameters"
    hint = "write `bias = false` here"
    word: str
    norm: str
    count: int


class MuchDropout(Diagnostic):
    """A dropout that drops nearly everything: `dropout(0.9)` drops 90% of the values, it does not keep them."""

    code = "NS355"
    severity = "warning"
    title = "this dropout drops {percent}% of the values"
    label = "keeps only {kept}%"
    hint = "the rate is the fraction that is dropped, not the fraction that is kept"
    percent: str
    kept: str


class ChannelsFirst(Diagnostic):
    """The sizes of an input look like channels x height x width, as PyTorch and Caffe write them. Here the channels
    come last.
    """

    code = "NS356"
    severity = "warning"
    title = "{shape} is an image of height {height} with {channels} channels"
    label = "channels come last"
    hint = "write height x width x channels: {advice}"
    shape: str
    height: int
    channels: int


class PaddingCounts(Diagnostic):
    """Padded steps are treated as real ones: the layer cannot tell them apart, nor can any layer after it.

    Attention, recurrent layers, `mean_pool` and `last` ignore padded steps.
    """

    code = "NS357"
    severity = "warning"
    title = "`{word}` treats the padding of `{input}` as real steps"
    label = "padded steps count here"
    hint = {
        "": "leave out `pad` if these steps are to count",
        "gap": "use `mean_pool`, which leaves out the padded steps",
    }
    word: str
    input: str


def warn_channels_first(shape: Shape, span: Span, problems: Problems) -> None:
    """Warn of an input such as 3x32x32; called for each input, since such a network often fails later."""
    if shape.rank != 3 or shape.is_tokens:
        return
    first, height, width = shape.sizes
    if first in (1, 3) and isinstance(height, int) and isinstance(width, int) and height == width >= 8:
        problems.add(
            ChannelsFirst(span=span, shape=str(shape), height=first, channels=width, advice=f"{height}x{width}x{first}")
        )


def check_graph(graph: Graph, problems: Problems) -> None:
    """Add the warnings for a network, blocks included. Comes before the passes."""
    for block in graph.subgraphs():
        users = _users(block)
        for index, node in enumerate(block.nodes):
            if isinstance(node.operation, Layer):
                for rule in RULES:
                    for diagnostic in rule(block, node, [block.nodes[i] for i in users[index]], block is graph):
                        problems.add(diagnostic)


def _users(graph: Graph) -> list[list[int]]:
    users: list[list[int]] = [[] for _ in graph.nodes]
    for index, node in enumerate(graph.nodes):
        for edge in node.inputs:
            users[edge.node].append(index)
    return users


def _drops_rows(graph: Graph, node: Node, users: list[Node], is_network: bool) -> Iterator[Diagnostic]:
    layer = node.operation
    (x, *_) = graph.input_shapes(node)
    if isinstance(layer, Pool) and layer.window is not None:
        if layer.ceil is False:
            return  # written down, so it is meant
        lost = dropped(x, kernel=layer.window, stride=layer.step, pad=layer.pad, ceil=layer.rounds_up)
    elif isinstance(layer, Sliding) and layer.stride != 1 and product(per_axis(layer.kernel, x, "kernel")) != 1:
        lost = dropped(x, kernel=layer.kernel, stride=layer.stride, dilation=layer.dilation, pad=layer.pad)
    else:
        return
    if not any(lost):
        return
    names = {1: ["step"], 2: ["row", "column"], 3: ["slice", "row", "column"]}[len(lost)]
    words = [
        f"the last {name}" if n == 1 else f"the last {n} {name}s" for n, name in zip(lost, names, strict=True) if n
    ]
    assert isinstance(layer, Layer)
    case = "pool" if isinstance(layer, Pool) else ""
    yield DropsRows(span=node.span, word=layer.word, what=" and ".join(words), shape=str(x), case=case)


def _softmax_inside(graph: Graph, node: Node, users: list[Node], is_network: bool) -> Iterator[Diagnostic]:
    layer = node.operation
    assert isinstance(layer, Layer)
    word = layer.activation_word
    if word is None or word.word != "softmax" or not users:
        return
    follower = next((u.operation for u in users if isinstance(u.operation, Layer)), None)
    if follower is not None and (follower.training_only or follower.is_identity):
        return
    if isinstance(follower, ActivationLayer) and follower.activation.is_head:
        yield SoftmaxInside(span=node.span, case="twice")
    elif any(isinstance(u.operation, Layer) and u.operation.parameters(*graph.input_shapes(u)) for u in users):
        yield SoftmaxInside(span=node.span)


def _dropout_after_head(graph: Graph, node: Node, users: list[Node], is_network: bool) -> Iterator[Diagnostic]:
    layer = node.operation
    assert isinstance(layer, Layer)
    if not is_network or not layer.training_only:
        return
    following = list(users)
    while following:
        last = following[0]
        if not isinstance(last.operation, ActivationLayer) or last.operation.parameters(last.shape):
            return
        following = [n for n in graph.nodes if any(graph.nodes[e.node] is last for e in n.inputs)]
    yield DropoutAfterHead(span=node.span)


def _bias_before_norm(graph: Graph, node: Node, users: list[Node], is_network: bool) -> Iterator[Diagnostic]:
    layer = node.operation
    assert isinstance(layer, Layer)
    if not layer.has_bias or len(users) != 1 or layer.is_frozen:
        return
    norm = users[0].operation
    if not isinstance(norm, Layer) or not norm.cancels_bias or layer.activation_word is not None:
        return
    bias = layer.parameters(*graph.input_shapes(node)).get("bias")
    if bias is not None:
        notes = (Note(users[0].span, "takes the mean away"),) if users[0].span is not None else ()
        yield BiasBeforeNorm(span=node.span, notes=notes, word=layer.word, norm=norm.word, count=bias[0])


def _much_dropout(graph: Graph, node: Node, users: list[Node], is_network: bool) -> Iterator[Diagnostic]:
    layer = node.operation
    rate = getattr(layer, "rate", 0.0)
    if isinstance(layer, Layer) and layer.training_only and rate > 0.8:
        yield MuchDropout(span=node.span, percent=f"{100 * rate:g}", kept=f"{100 - 100 * rate:g}")


Rule = Callable[[Graph, Node, list[Node], bool], Iterator[Diagnostic]]
RULES: tuple[Rule, ...] = (_drops_rows, _softmax_inside, _dropout_after_head, _bias_before_norm, _much_dropout)
