"""Convolutions and transposed convolutions."""

from __future__ import annotations

from netspec.interchange.onnx.layers.attributes import in_onnx, pad_attributes
from netspec.interchange.onnx.table import writes
from netspec.interchange.onnx.writer import Site, Value
from netspec.interchange.writing.windows import padding, transposed_margins
from netspec.layers.base import per_axis
from netspec.layers.spatial.conv import Conv, Depthwise, Filtering
from netspec.layers.spatial.transposed_conv import Upconv


@writes(Conv, Depthwise)
def convolution(site: Site, layer: Filtering, x: Value) -> Value:
    x = site.first(x)
    kernel = layer.kernel_shape(x.shape)
    margins = padding(x.shape, layer.kernel, layer.stride, layer.dilation, layer.pad)
    y = site.op(
        "Conv",
        x.name,
        _kernel(site, x.rank),
        *([site.weight("bias")] if layer.bias else []),
        kernel_shape=kernel[:-2],
        strides=_steps(layer.stride, x, "stride"),
        dilations=_steps(layer.dilation, x, "dilation"),
        group=layer.group_count(x.shape) if layer.group_count(x.shape) > 1 else None,
        **pad_attributes(margins),
    )
    return Value(y, layer.infer(x.shape), channels_first=True)


def _kernel(site: Site, rank: int) -> str:
    """The kernel with its two axes of channels, the last one first, before the window: outputs x inputs for a
    convolution, inputs x outputs for a transposed one."""
    return site.permuted("kernel", (rank, rank - 1, *range(rank - 1)))


def _steps(given: int | tuple[int, ...], x: Value, name: str) -> tuple[int, ...] | None:
    """Strides or dilations, None where all are 1."""
    numbers = per_axis(given, x.shape, name)
    return numbers if any(n != 1 for n in numbers) else None


@writes(Upconv)
def transposed_convolution(site: Site, layer: Upconv, x: Value) -> Value:
    x = site.first(x)
    cropped, added = transposed_margins(layer, x.shape)
    y = site.op(
        "ConvTranspose",
        x.name,
        _kernel(site, x.rank),
        *([site.weight("bias")] if layer.bias else []),
        kernel_shape=per_axis(layer.kernel, x.shape, "kernel"),
        strides=_steps(layer.stride, x, "stride"),
        dilations=_steps(layer.dilation, x, "dilation"),
        pads=in_onnx(cropped) if any(map(any, cropped)) else None,
        output_padding=added if any(added) else None,
    )
    return Value(y, layer.infer(x.shape), channels_first=True)
