"""The layers of a prototxt that predict: those of the phase TEST, in today's form; and the inputs.

Networks have layers as `layer { type: "Convolution" }`, or as `layers { type: CONVOLUTION }` until 2014.
"""

from __future__ import annotations

from dataclasses import dataclass

from netspec.interchange.configs.caffe.prototxt import Message
from netspec.language.source import Span

OLD_TYPES = (
    *("NONE", "ACCURACY", "BNLL", "CONCAT", "CONVOLUTION", "DATA", "DROPOUT", "EUCLIDEAN_LOSS", "FLATTEN"),
    *("HDF5_DATA", "HDF5_OUTPUT", "IM2COL", "IMAGE_DATA", "INFOGAIN_LOSS", "INNER_PRODUCT", "LRN"),
    *("MULTINOMIAL_LOGISTIC_LOSS", "POOLING", "RELU", "SIGMOID", "SOFTMAX", "SOFTMAX_LOSS", "SPLIT", "TANH"),
    *("WINDOW_DATA", "ELTWISE", "POWER", "SIGMOID_CROSS_ENTROPY_LOSS", "HINGE_LOSS", "MEMORY_DATA", "ARGMAX"),
    *("THRESHOLD", "DUMMY_DATA", "SLICE", "MVN", "ABSVAL", "SILENCE", "CONTRASTIVE_LOSS", "EXP", "DECONVOLUTION"),
)
"""Types of layers until 2014, in the order of their numbers."""
_OTHER_NAMES = {
    "BNLL": "BNLL",
    "LRN": "LRN",
    "RELU": "ReLU",
    "TANH": "TanH",
    "ARGMAX": "ArgMax",
    "MVN": "MVN",
    "ABSVAL": "AbsVal",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
}
PHASES = ("TRAIN", "TEST")


@dataclass(frozen=True)
class CaffeLayer:
    """A layer: its name, its type in today's form, the names of the blobs that it reads and writes, its fields."""

    name: str
    type: str
    bottoms: tuple[str, ...]
    tops: tuple[str, ...]
    message: Message

    @property
    def span(self) -> Span:
        """The place of its type, or of its beginning."""
        return next((f.value.span for f in self.message.fields if f.name == "type"), self.message.span)

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.name} ({self.type})"


def layers_of(net: Message) -> list[CaffeLayer]:
    """The layers that predict, in their order.

    Raises:
        CompileError: a layer is not in the form of Caffe (NS570).
    """
    state = net.message("state")
    return [_layer(message) for message in net.messages("layer", "layers") if _is_included(message, state)]


def _layer(message: Message) -> CaffeLayer:
    if message.has("layer"):
        advice = "update it with `upgrade_net_proto_text`, which comes with Caffe"
        raise message.file.bad("it is from before 2014: each layer has another in it", advice, message.place("layer"))
    kind = _type(message)
    return CaffeLayer(
        message.text("name") or kind, kind, tuple(message.texts("bottom")), tuple(message.texts("top")), message
    )


def _type(message: Message) -> str:
    if not message.has("type"):
        raise message.file.bad(f"the layer in line {message.span.first.line} has no type", "", message.span)
    if message.name == "layer":
        return message.text("type")
    old = message.choice("type", OLD_TYPES)
    return _OTHER_NAMES.get(old, "".join(part.capitalize() for part in old.split("_")))


def _is_included(message: Message, state: Message) -> bool:
    """Whether a layer is part of the network in the phase TEST."""
    if message.has("phase"):
        return message.choice("phase", PHASES) == "TEST"
    rules = message.messages("include")
    if rules:
        return any(_meets(rule, state) for rule in rules)
    return not any(_meets(rule, state) for rule in message.messages("exclude"))


def _meets(rule: Message, state: Message) -> bool:
    if rule.has("phase") and rule.choice("phase", PHASES) != "TEST":
        return False
    level, stages = state.integer("level", 0, low=-(2**31)), set(state.texts("stage"))
    if not rule.integer("min_level", level, low=-(2**31)) <= level <= rule.integer("max_level", level, low=-(2**31)):
        return False
    return stages >= set(rule.texts("stage")) and not stages & set(rule.texts("not_stage"))


# ---------------------------------------------------------------- inputs


@dataclass(frozen=True)
class CaffeInput:
    """An input: its name, its sizes without the batch (None: not known), and its place."""

    name: str
    sizes: tuple[int, ...] | None
    span: Span


DATA_LAYERS = {
    "Data": "data_param",
    "ImageData": "image_data_param",
    "HDF5Data": "hdf5_data_param",
    "WindowData": "window_data_param",
    "MemoryData": "memory_data_param",
    "DummyData": "dummy_data_param",
    "Input": "input_param",
}
"""Layers that are inputs, with the names of their parameters."""


def declared_inputs(net: Message) -> list[CaffeInput]:
    """The inputs of a network that are not layers: `input: "data"` with `input_shape` or four `input_dim`.

    Raises:
        CompileError: the sizes do not belong to the inputs (NS570).
    """
    names = net.texts("input")
    shapes = [tuple(shape.integers("dim", 1)) for shape in net.messages("input_shape")]
    sizes = tuple(net.integers("input_dim", 1))
    if not shapes and sizes:
        shapes = [sizes[i : i + 4] for i in range(0, len(sizes), 4)]
    if len(shapes) != len(names) or any(len(shape) < 2 for shape in shapes) or (sizes and len(sizes) % 4):
        reason = f"the sizes of its inputs ({', '.join(names)}) are not complete"
        advice = 'write `input: "data"  input_shape { dim: 1 dim: 3 dim: 224 dim: 224 }`'
        raise net.file.bad(reason, advice, net.place("input"))
    return [CaffeInput(name, shape[1:], net.place("input")) for name, shape in zip(names, shapes, strict=True)]


def layer_inputs(layer: CaffeLayer) -> list[CaffeInput]:
    """The inputs of a layer that provides data; labels are not among them.

    Raises:
        CompileError: its sizes are not numbers (NS570).
    """
    options = layer.message.message(DATA_LAYERS[layer.type])
    if layer.type in ("Input", "DummyData"):
        shapes = [tuple(shape.integers("dim", 1)) for shape in options.messages("shape")]
        if not shapes and options.has("channels"):
            sizes = [options.integers(name, 1) for name in ("num", "channels", "height", "width")]
            shapes = list(zip(*sizes, strict=False))
        shapes = shapes * len(layer.tops) if len(shapes) == 1 else shapes
        found = [shape[1:] if len(shape) > 1 else None for shape in shapes] + [None] * len(layer.tops)
        return [
            CaffeInput(top, sizes, layer.span)
            for top, sizes in zip(layer.tops, found, strict=False)
            if top != LABEL or layer.type == "Input"
        ]
    return [CaffeInput(top, _data_sizes(layer, options), layer.span) for top in layer.tops[:1]]


LABEL = "label"
"""The name that labels have by convention."""


def _data_sizes(layer: CaffeLayer, options: Message) -> tuple[int, ...] | None:
    """Channels, height and width of the images of a data layer, where they are in the prototxt."""
    if layer.type == "MemoryData":
        sizes = [options.integer(name, 0, low=1) for name in ("channels", "height", "width")]
        return tuple(sizes) if all(sizes) else None
    change = layer.message.message("transform_param")
    crop = change.integer("crop_size", 0) or options.integer("crop_size", 0)
    height = crop or options.integer("new_height", 0)
    width = crop or options.integer("new_width", 0)
    is_gray = change.flag("force_gray", False) or not options.flag("is_color", True)
    channels = 1 if is_gray else len(change.numbers("mean_value")) or 3
    return (channels, height, width) if height and width else None
