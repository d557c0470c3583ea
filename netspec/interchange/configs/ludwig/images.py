"""The encoder of images: convolutions without padding, each with a pooling, then dense layers.

Reference: Ludwig 0.11, `ludwig/encoders/image`.
"""

from __future__ import annotations

from typing import Any

from netspec.interchange.configs.ludwig.encoders import Encoder, counted_layers
from netspec.interchange.configs.ludwig.layers import LayerOptions, activated, add, dense_stack, dropped, normalized
from netspec.interchange.configs.ludwig.section import Section
from netspec.interchange.reading.sketch import Step
from netspec.layers.reshape import Flatten
from netspec.layers.spatial.conv import Conv
from netspec.layers.spatial.pool import AvgPool, MaxPool

SIZES = {
    ("out_channels", "num_filters"): 32,
    ("kernel_size", "filter_size"): 3,
    ("stride", "strides"): 1,
    ("dilation", "dilation_rate"): 1,
    ("groups",): 1,
    ("pool_kernel_size", "pool_size"): 2,
    ("pool_stride", "pool_strides"): 0,
}
"""The keys of a layer, those of older versions after them, and their defaults."""


def _low(key: str) -> int:
    return 0 if "pool" in key else 1


def image_cnn(section: Section, x: Step) -> Step:
    """Convolutions without padding, each with a pooling, then dense layers."""
    reading = section.reading
    options = LayerOptions(section, "conv_")
    size = {keys[0]: section.integer(*keys, default=value, low=_low(keys[0])) for keys, value in SIZES.items()}
    pads = {key: section.text(key, default=value) for key, value in (("padding", "valid"), ("pool_padding", "0"))}
    kind = section.text("pool_function", default="max")
    section.ignore("zeros are the padding of netspec", ("padding_mode",))
    section.ignore("", ("height", "width", "num_channels"))
    layers, _ = counted_layers(section, "conv_layers", "num_conv_layers", [(32, None), (64, None)])
    has_default = section.value("conv_layers", "num_conv_layers") is None
    for index, layer in enumerate(layers):
        channels = (32, 64)[index] if has_default else size["out_channels"]
        usual = {**size, "out_channels": channels}
        own = {keys[0]: layer.integer(*keys, default=usual[keys[0]], low=_low(keys[0])) for keys in SIZES}
        place = layer.span or section.span
        pad = _pad(layer.text("padding", default=pads["padding"]))
        pool_pad = _pad(layer.text("pool_padding", default=pads["pool_padding"]))
        if pad is None or pool_pad is None:
            x = reading.lost("padding", "it is neither `valid`, `same` nor a number", place)
            continue
        x = _image_layer(layer, x, own, options.of(layer), (pad, pool_pad), layer.text("pool_function", default=kind))
    x = x if x.is_lost else add(reading, Flatten(), x, span=section.span)
    return dense_stack(section, x, LayerOptions(section, "fc_"), size=128, count=1)


def _image_layer(
    layer: Section, x: Step, own: dict[str, int], options: LayerOptions, pads: tuple[Any, Any], kind: str
) -> Step:
    reading, span = layer.reading, layer.span
    more: dict[str, Any] = {key: own[key] for key in ("stride", "dilation", "groups") if own[key] != 1}
    conv = Conv(filters=own["out_channels"], kernel=own["kernel_size"], pad=pads[0], **more, **options.weights())
    if x.is_lost:
        return x
    x = add(reading, conv, x, span=span)
    if options.norm == "layer":
        return reading.lost("conv_norm: layer", "it normalizes the positions, not the channels", span, "use `batch`")
    x = normalized(reading, x, options.norm, span)
    x = dropped(reading, activated(reading, x, options.activation, span), options.dropout, span)
    window = own["pool_kernel_size"]
    if window <= 1 or x.is_lost:
        return x
    stride = own["pool_stride"] or window
    pooling: dict[str, Any] = {"window": window, "pad": pads[1]} | ({} if stride == window else {"stride": stride})
    return add(reading, MaxPool(**pooling) if kind == "max" else AvgPool(**pooling, count_pad=True), x, span=span)


def _pad(text: str) -> Any:
    if text in ("valid", "same"):
        return text
    return (int(text) or "valid") if text.isdigit() and len(text) < 6 else None


IMAGE: dict[str, Encoder] = {"stacked_cnn": image_cnn}
