"""The encoders of Ludwig: what becomes of one feature before all are combined.

Reference: Ludwig 0.11, `ludwig/encoders`. Padded steps are not masked there, so they are not here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from netspec.interchange.configs.ludwig.layers import (
    PRETRAINED,
    LayerOptions,
    activated,
    add,
    dense_stack,
    dropped,
)
from netspec.interchange.configs.ludwig.section import Section
from netspec.interchange.reading.sketch import Step
from netspec.language.source import Span
from netspec.layers.dense import Dense, Embedding
from netspec.layers.merge import Add, Concat
from netspec.layers.norm import LayerNorm
from netspec.layers.reshape import Flatten, Scale
from netspec.layers.sequence.attention import Attention
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.positions import PositionEmbedding
from netspec.layers.sequence.recurrent import Gru, Lstm, Recurrent, SimpleRnn
from netspec.layers.sequence.steps import Last
from netspec.layers.spatial.conv import Conv
from netspec.layers.spatial.pool import AvgPool, GlobalAvgPool, GlobalMaxPool, MaxPool

Encoder = Callable[[Section, Step], Step]
FC = (512, 256)
"""The units of the dense layers after the convolutions over steps, if nothing says how many there are."""


def encode(section: Section, x: Step, name: str, kinds: dict[str, Encoder], default: str) -> Step:
    """The output of a feature's encoder."""
    kind = section.text("type", default=default)
    for key in PRETRAINED:
        found = section.value(key)
        if found is not None and found.data not in (False, "None"):
            section.reading.left_out(f"{section.name}.{key}", "weights of a trained model are not imported", found.span)
    section.ignore("", ("embeddings_on_cpu", "vocab", "vocab_size", "skip", "embeddings_trainable"))
    if kind not in kinds:
        what, advice = f"{name} ({kind})", f"encoders of such a feature are {', '.join(kinds)}"
        place, section.keys = section.place("type"), {}
        return section.reading.lost(what, f"netspec has no encoder `{kind}`", place, advice)
    return kinds[kind](section, x)


def passthrough(section: Section, x: Step) -> Step:
    return x


def dense(section: Section, x: Step) -> Step:
    return dense_stack(section, x, LayerOptions(section), size=256, count=1, counted_by="num_layers")


# ---------------------------------------------------------------- steps


def reduced(section: Section, x: Step, how: str, span: Span | None) -> Step:
    """One vector instead of a sequence."""
    if x.is_lost or x.shape.rank != 2:
        return x
    reading, length = section.reading, x.shape.sizes[0]
    if how in ("mean", "avg"):
        return add(reading, GlobalAvgPool(), x, span=span)
    if how == "max":
        return add(reading, GlobalMaxPool(), x, span=span)
    if how == "last":
        return add(reading, Last(), x, span=span)
    if how == "concat":
        return add(reading, Flatten(), x, span=span)
    if how == "sum" and isinstance(length, int):
        x = add(reading, GlobalAvgPool(), x, span=span)
        return add(reading, Scale(factor=float(length)), x, span=span)
    if how in ("none", "None"):
        return x
    return reading.lost(f"reduce_output: {how}", "netspec has no such reduction", span, "use sum, mean, max or last")


def _reduction(section: Section, default: str) -> str:
    """`reduce_output`; null keeps the steps."""
    if section.has("reduce_output") and section.value("reduce_output") is None:
        return "none"
    return section.text("reduce_output", default=default)


def _embedded(section: Section, x: Step) -> Step:
    """Vectors of the ids; a time series stays as it is."""
    reading, span = section.reading, section.span
    size = section.integer("embedding_size", default=256)
    representation = section.text("representation", default="dense")
    has_table = section.flag("should_embed", default=True)
    if x.is_lost or not x.shape.is_tokens or not has_table:
        return x
    if representation != "dense":
        reason = "netspec has no embedding that is one-hot and not trained"
        return reading.lost(f"representation: {representation}", reason, section.place("representation"), "use `dense`")
    x = add(reading, Embedding(features=size), x, span=span)
    return dropped(reading, x, section.number("dropout", default=0.0, high=0.999), span)


def embed(section: Section, x: Step) -> Step:
    x = _embedded(section, x)
    section.ignore("", ("weights_initializer",))
    return reduced(section, x, _reduction(section, "sum"), section.span)


class _Convolution:
    """What convolutions over steps have where a layer does not say otherwise."""

    def __init__(self, section: Section, options: LayerOptions, *, filter_size: int = 3, pool_size: int = 0) -> None:
        self.options = options
        self.filters = section.integer("num_filters", default=256)
        self.size = section.integer("filter_size", default=filter_size)
        self.stride = section.integer("strides", "stride", default=1)
        self.dilation = section.integer("dilation_rate", default=1)
        self.pad = section.text("padding", default="same")
        self.pool = section.integer("pool_size", default=pool_size, low=0)
        self.pool_stride = section.integer("pool_strides", default=0, low=0)
        self.pool_pad = section.text("pool_padding", default="same")
        self.pool_kind = section.text("pool_function", default="max")

    def apply(self, layer: Section, x: Step, size: int | None = None, pool: int | None = None) -> Step:
        """A convolution, its norm, activation and dropout, and its pooling."""
        options, reading, span = self.options.of(layer), layer.reading, layer.span
        filters = layer.integer("num_filters", default=self.filters)
        kernel = layer.integer("filter_size", default=size or self.size)
        more: dict[str, Any] = {
            "stride": layer.integer("strides", default=self.stride),
            "dilation": layer.integer("dilation_rate", default=self.dilation),
            "pad": "same" if layer.text("padding", default=self.pad) == "same" else "valid",
        }
        window = layer.integer("pool_size", default=self.pool if pool is None else pool, low=0)
        if layer.has("pool_size") and layer.value("pool_size") is None:
            window = 0
        stride = layer.integer("pool_strides", default=self.pool_stride or window or 1)
        pad = layer.text("pool_padding", default=self.pool_pad)
        kind = layer.text("pool_function", default=self.pool_kind)
        if x.is_lost:
            return x
        x = add(reading, Conv(filters=filters, kernel=kernel, **more, **options.weights()), x, span=span)
        x = options.finish(x, span)
        if window <= 1:
            return x
        margin: Any = (window - 1) // 2 if pad == "same" else 0
        step = {} if stride == window else {"stride": stride}
        pooling: dict[str, Any] = {"window": window, **step, **({"pad": margin} if margin else {})}
        if kind == "max":
            return add(reading, MaxPool(**pooling), x, span=span)
        pooling |= {"count_pad": True} if margin else {}
        return add(reading, AvgPool(**pooling), x, span=span)


def counted_layers(section: Section, key: str, count: str, default: Any) -> tuple[list[Section], list[tuple[Any, Any]]]:
    """The layers that a list describes, or that are counted, or the default ones: filter size and pool size of each."""
    reading, items = section.reading, section.items(key)
    total = section.integer(count, default=0, low=0, high=500)
    if items is not None:
        return [reading.section(item, f"{section.name}.{key}") for item in items], [(None, None)] * len(items)
    sizes = [(None, None)] * total if total else list(default)
    return [reading.section(None, section.name) for _ in sizes], sizes


def parallel_cnn(section: Section, x: Step) -> Step:
    x, options = _embedded(section, x), LayerOptions(section)
    convolution = _Convolution(section, options)
    layers, sizes = counted_layers(section, "conv_layers", "num_conv_layers", [(size, None) for size in (2, 3, 4, 5)])
    x = _in_parallel(section, convolution, x, layers, sizes)
    return _to_vector(section, x, options, FC)


def _in_parallel(section: Section, convolution: _Convolution, x: Step, layers: list[Section], sizes: Any) -> Step:
    branches = [convolution.apply(layer, x, *size) for layer, size in zip(layers, sizes, strict=True)]
    if len(branches) < 2:
        return branches[0] if branches else x
    return add(section.reading, Concat(), *branches, span=section.span)


def stacked_cnn(section: Section, x: Step) -> Step:
    x, options = _embedded(section, x), LayerOptions(section)
    convolution = _Convolution(section, options)
    default = [(7, 3), (7, 3), (3, 0), (3, 0), (3, 0), (3, 3)]
    layers, sizes = counted_layers(section, "conv_layers", "num_conv_layers", default)
    for layer, size in zip(layers, sizes, strict=True):
        x = convolution.apply(layer, x, *size)
    return _to_vector(section, x, options, FC)


def stacked_parallel_cnn(section: Section, x: Step) -> Step:
    x, options = _embedded(section, x), LayerOptions(section)
    convolution = _Convolution(section, options)
    stacked = section.items("stacked_layers")
    total = section.integer("num_stacked_layers", default=3, high=500)
    plain: list[tuple[Any, Any]] = [(size, None) for size in (2, 3, 4, 5)]
    for number in range(total if stacked is None else len(stacked)):
        items = None if stacked is None else stacked[number]
        if items is None:
            layers, sizes = [section.reading.section(None, section.name) for _ in plain], list(plain)
        elif isinstance(items.data, list):
            layers = [section.reading.section(item, f"{section.name}.stacked_layers") for item in items.data]
            sizes = [(None, None)] * len(layers)
        else:
            section.reading.wrong("`stacked_layers` is not a list of lists", items.span)
            continue
        x = _in_parallel(section, convolution, x, layers, sizes)
    return _to_vector(section, x, options, FC)


def _to_vector(section: Section, x: Step, options: LayerOptions, default: Any, prefix: str = "") -> Step:
    """The steps reduced, and dense layers; with `reduce_output: null` neither."""
    how = _reduction(section, "sum" if not prefix else "last")
    if how in ("none", "None"):
        section.ignore("without a reduction there are no dense layers", ("fc_layers", "num_fc_layers", "output_size"))
        return x
    x = reduced(section, x, how, section.span)
    return dense_stack(section, x, options, size=256, default=default)


CELLS: dict[str, type[Recurrent]] = {"rnn": SimpleRnn, "lstm": Lstm, "gru": Gru}


def _recurrent(section: Section, x: Step, count_key: str) -> Step:
    """A stack of recurrent layers, which PyTorch computes: its activations are the standard ones."""
    reading, span = section.reading, section.span
    cell = section.text("cell_type", default="rnn").removesuffix("_cudnn").removesuffix("_block")
    count = section.integer(count_key, default=1, high=200)
    units = section.integer("state_size", default=256)
    is_bidirectional = section.flag("bidirectional", default=False)
    rate = section.number("recurrent_dropout", default=0.0, high=0.999)
    bias = section.flag("use_bias", default=True)
    reason = "Ludwig computes it by PyTorch, which takes the standard ones"
    section.ignore(reason, ("activation", "recurrent_activation", "unit_forget_bias", "recurrent_initializer"))
    if cell not in CELLS:
        place = section.place("cell_type")
        return reading.lost(f"cell_type: {cell}", f"netspec has no cell `{cell}`", place, "use rnn, lstm or gru")
    for index in range(count):
        x = x if index == 0 else dropped(reading, x, rate, span)
        one = CELLS[cell](units=units) if bias else CELLS[cell](units=units, bias=False)
        x = add(reading, Bidirectional(layer=one) if is_bidirectional else one, x, span=span)
    return x


def rnn(section: Section, x: Step) -> Step:
    x = _recurrent(section, _embedded(section, x), "num_layers")
    return _to_vector(section, x, _fc_options(section), (), "fc_")


def cnnrnn(section: Section, x: Step) -> Step:
    x = _embedded(section, x)
    options = LayerOptions(section, "conv_")
    options.norm, options.bias = section.text("norm"), section.flag("use_bias", default=True)
    convolution = _Convolution(section, options, filter_size=5, pool_size=2)
    layers, sizes = counted_layers(section, "conv_layers", "num_conv_layers", [(None, 3), (None, 0)])
    for layer, size in zip(layers, sizes, strict=True):
        x = convolution.apply(layer, x, *size)
    x = _recurrent(section, x, "num_rec_layers")
    return _to_vector(section, x, _fc_options(section), (), "fc_")


def _fc_options(section: Section) -> LayerOptions:
    """Activation and dropout of the dense layers have a prefix, their norm has none."""
    options = LayerOptions(section, "fc_")
    options.norm, options.bias = section.text("norm"), section.flag("use_bias", default=True)
    section.ignore("", ("weights_initializer", "bias_initializer"))
    section.ignore("its options are those of netspec", ("norm_params",))
    return options


def transformer(section: Section, x: Step) -> Step:
    reading, span = section.reading, section.span
    rate = section.number("dropout", default=0.1, high=0.999)
    size = section.integer("hidden_size", default=256)
    heads = section.integer("num_heads", default=8, high=10_000)
    wide = section.integer("transformer_output_size", default=256)
    embedding = section.integer("embedding_size", default=256)
    is_ids = x.shape.is_tokens
    section.flag("should_embed", default=True)
    section.text("representation", default="dense")
    if is_ids and not x.is_lost:
        x = add(reading, PositionEmbedding(), add(reading, Embedding(features=embedding), x, span=span), span=span)
        x = dropped(reading, x, rate, span)
    if not x.is_lost and x.shape.channels != size:
        x = add(reading, Dense(units=size), x, span=span)
    for _ in range(section.integer("num_layers", default=1, high=200)):
        y = dropped(reading, add(reading, Attention(heads=heads), x, span=span), rate, span)
        x = add(reading, LayerNorm(epsilon=1e-6), add(reading, Add(), x, y, span=span), span=span)
        y = activated(reading, add(reading, Dense(units=wide), x, span=span), "relu", span)
        y = dropped(reading, add(reading, Dense(units=size), y, span=span), rate, span)
        x = add(reading, LayerNorm(epsilon=1e-6), add(reading, Add(), x, y, span=span), span=span)
    return _to_vector(section, x, _fc_options(section), (), "fc_")


SEQUENCE: dict[str, Encoder] = {
    "passthrough": lambda section, x: reduced(section, x, _reduction(section, "none"), section.span),
    "embed": embed,
    "parallel_cnn": parallel_cnn,
    "stacked_cnn": stacked_cnn,
    "stacked_parallel_cnn": stacked_parallel_cnn,
    "rnn": rnn,
    "cnnrnn": cnnrnn,
    "transformer": transformer,
}
VECTOR: dict[str, Encoder] = {"passthrough": passthrough, "dense": dense}
