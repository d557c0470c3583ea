"""Warnings: what is valid but probably wrong (NS35x).

Each rule is a function over the nodes of a graph; `check_graph` runs all of them over every block once.
"""

from __future__ import annotations

from collections.abc import Callable

from netspec.compiler.ir.graph import Graph, Node
from netspec.language.diagnostics import Diagnostic, Note, Problems
from netspec.language.record import Frozen
from netspec.language.shape import Shape, product
from netspec.language.source import Span
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer, per_axis
from netspec.layers.reshape import Flatten, Reshape
from netspec.layers.spatial.conv import Sliding
from netspec.layers.spatial.pool import Pool
from netspec.layers.spatial.windows import dropped


class DropsRows(Diagnostic):
    """The window of a pool or convolution does not reach the last rows or columns, so they are ignored."""

    code = "NS351"
    severity = "warning"
    title = "`{word}` ignores {what} of {shape}"
    label = "the last rows or columns are ignored"
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
    title = "a softmax inside the network slows down training"
    label = "not the last layer"
    hint = {"": "use relu here, and a single softmax at the end", "twice": "remove one of the two"}


class DropoutAfterHead(Diagnostic):
    """A dropout after the last layer, where it only destroys predictions."""

    code = "NS353"
    severity = "warning"
    title = "dropout after the last layer drops predictions"
    label = "nothing with weights follows it"
    hint = "move it before the last layer"


class BiasBeforeNorm(Diagnostic):
    """A bias before a normalization that subtracts the mean, and the bias with it."""

    code = "NS354"
    severity = "warning"
    title = "the bias of `{word}` has no effect: the `{norm}` after it removes it"
    label = "{count} parameters without effect"
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
    title = "`{word}` includes the padding of `{input}`"
    label = "includes padded steps"
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


class Site(Frozen):
    """A layer where it is used: in a block, which may be the network, and read by other nodes."""

    graph: Graph
    is_network: bool
    node: Node
    layer: Layer
    users: list[Node]

    @property
    def inputs(self) -> tuple[Shape, ...]:
        return self.graph.input_shapes(self.node)


def check_graph(graph: Graph, problems: Problems) -> None:
    """Add the warnings for a network, blocks included. Comes before the passes."""
    for block in graph.subgraphs():
        users: list[list[Node]] = [[] for _ in block.nodes]
        for node in block.nodes:
            for edge in node.inputs:
                users[edge.node].append(node)
        for index, node in enumerate(block.nodes):
            if isinstance(node.operation, Layer):
                site = Site(block, block is graph, node, node.operation, users[index])
                for warning in filter(None, (rule(site) for rule in RULES)):
                    problems.add(warning)


def _drops_rows(at: Site) -> Diagnostic | None:
    layer, x = at.layer, at.inputs[0]
    what = lost_rows(layer, x)
    if not what or (isinstance(layer, Pool) and layer.ceil is False):  # written down, so it is meant
        return None
    case = "pool" if isinstance(layer, Pool) else ""
    return DropsRows(span=at.node.span, word=layer.word, what=what, shape=str(x), case=case)


def lost_rows(layer: Layer, x: Shape) -> str:
    """The last rows and columns that no window of a layer reaches, in words; empty where it reaches all."""
    if isinstance(layer, Pool) and layer.window is not None:
        lost = dropped(x, kernel=layer.window, stride=layer.step, pad=layer.pad, ceil=layer.rounds_up)
    elif isinstance(layer, Sliding) and layer.stride != 1 and product(per_axis(layer.kernel, x, "kernel")) != 1:
        lost = dropped(x, kernel=layer.kernel, stride=layer.stride, dilation=layer.dilation, pad=layer.pad)
    else:
        return ""
    names = {1: ["step"], 2: ["row", "column"], 3: ["slice", "row", "column"]}[len(lost)]
    words = [
        f"the last {name}" if n == 1 else f"the last {n} {name}s" for n, name in zip(lost, names, strict=True) if n
    ]
    return " and ".join(words)


def _softmax_inside(at: Site) -> Diagnostic | None:
    word = at.layer.activation_word
    if word is None or word.word != "softmax" or not at.users:
        return None
    users = at.users
    while len(users) == 1 and isinstance(users[0].operation, Flatten | Reshape):  # they move the same numbers
        users = [n for n in at.graph.nodes if any(at.graph.nodes[e.node] is users[0] for e in n.inputs)]
    follower = next((u.operation for u in users if isinstance(u.operation, Layer)), None)
    if follower is not None and (follower.training_only or follower.is_identity):
        return None
    if isinstance(follower, ActivationLayer) and follower.activation.is_head:
        return SoftmaxInside(span=at.node.span, case="twice")
    if any(isinstance(u.operation, Layer) and u.operation.parameters(*at.graph.input_shapes(u)) for u in users):
        return SoftmaxInside(span=at.node.span)
    return None


def _dropout_after_head(at: Site) -> Diagnostic | None:
    if not at.is_network or not at.layer.training_only:
        return None
    following = at.users
    while following:
        last = following[0]
        if not isinstance(last.operation, ActivationLayer) or last.operation.parameters(last.shape):
            return None
        following = [n for n in at.graph.nodes if any(at.graph.nodes[e.node] is last for e in n.inputs)]
    return DropoutAfterHead(span=at.node.span)


def _bias_before_norm(at: Site) -> Diagnostic | None:
    layer = at.layer
    if not layer.has_bias or len(at.users) != 1 or layer.is_frozen:
        return None
    norm = at.users[0].operation
    if not isinstance(norm, Layer) or not norm.cancels_bias or layer.activation_word is not None:
        return None
    bias = layer.parameters(*at.inputs).get("bias")
    if bias is None:
        return None
    notes = (Note(at.users[0].span, "subtracts the mean"),) if at.users[0].span is not None else ()
    return BiasBeforeNorm(span=at.node.span, notes=notes, word=layer.word, norm=norm.word, count=bias[0])


def _much_dropout(at: Site) -> Diagnostic | None:
    rate = getattr(at.layer, "rate", 0.0)
    if not at.layer.training_only or rate <= 0.8:
        return None
    return MuchDropout(span=at.node.span, percent=f"{100 * rate:g}", kept=f"{100 - 100 * rate:g}")


Rule = Callable[[Site], Diagnostic | None]
RULES: tuple[Rule, ...] = (_drops_rows, _softmax_inside, _dropout_after_head, _bias_before_norm, _much_dropout)
