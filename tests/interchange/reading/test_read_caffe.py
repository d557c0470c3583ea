"""Networks of Caffe compute what PyTorch computes from the same layers, and what cannot be read is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

import netspec
from netspec.interchange.imports import Imported, import_model
from netspec.language.diagnostics import CompileError
from tests.interchange.reading.caffe_nets import NETS, CaffeNet, alexnet, blob, bytes_field, lenet, varint


def check(net: CaffeNet, folder: Path, **options: bool) -> Imported:
    """Read a network, and compare its only output with that of PyTorch."""
    text, weights = net.write(folder, **options)
    found = import_model(text, weights=weights)
    x = net.values["data"].numpy()
    (y,) = found.model.predictions(np.moveaxis(x, 1, -1) if x.ndim > 3 else x).values()
    expected = net.values[net.last].numpy()
    expected = np.moveaxis(expected, 1, -1) if expected.ndim > 3 else expected
    assert np.abs(np.asarray(y) - expected.reshape(y.shape)).max() <= 1e-5 * np.abs(expected).max()
    return found


@pytest.mark.parametrize("name", NETS)
def test_networks(name: str, tmp_path: Path) -> None:
    check(NETS[name](), tmp_path)


# ---------------------------------------------------------------- layers

LAYERS: dict[str, Callable[[CaffeNet], object]] = {}


def layer(function: Callable[[CaffeNet], object]) -> Callable[[CaffeNet], object]:
    """A network whose layers are compared, of an input with 4 channels and 11 x 9 positions."""
    LAYERS[function.__name__] = function
    return function


@layer
def pool_ceil_max(net: CaffeNet) -> None:
    net.pool("MAX", 2, 2)  # 11 x 9 become 6 x 5
    net.pool("MAX", 3, 2, 1)


@layer
def pool_ceil_average(net: CaffeNet) -> None:
    net.pool("AVE", 3, 2, 1)  # padding counts, but not what rounding up adds


@layer
def pool_floor(net: CaffeNet) -> None:
    y = F.max_pool2d(net.x(None), 2, 2)
    net.layer("Pooling", y, "pooling_param { pool: MAX kernel_size: 2 stride: 2 round_mode: FLOOR }")


@layer
def pool_sides(net: CaffeNet) -> None:
    y = F.max_pool2d(net.x(None), (3, 2), (2, 1), (1, 0), ceil_mode=True)
    sides = "kernel_h: 3 kernel_w: 2 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0"
    net.layer("Pooling", y, f"pooling_param {{ pool: 0 {sides} }}")


@layer
def pool_global_max(net: CaffeNet) -> None:
    net.global_pool("MAX")


@layer
def conv_dilated(net: CaffeNet) -> None:
    net.conv(6, 3, 1, 2, 2, dilation=2)


@layer
def conv_sides(net: CaffeNet) -> None:
    weight = net.random(6, 4, 3, 1)
    y = F.conv2d(net.x(None), weight, None, (2, 1), (1, 0))
    sides = "kernel_h: 3 kernel_w: 1 stride_h: 2 stride_w: 1 pad_h: 1 pad_w: 0"
    net.layer("Convolution", y, f"convolution_param {{ num_output: 6 bias_term: false {sides} }}", blobs=[weight])


@layer
def deconvolution(net: CaffeNet) -> None:
    weight, bias = net.random(4, 3, 4, 4), net.random(3)
    y = F.conv_transpose2d(net.x(None), weight, bias, 2, 1)
    net.layer(
        "Deconvolution", y, "convolution_param { num_output: 3 kernel_size: 4 stride: 2 pad: 1 }", blobs=[weight, bias]
    )


@layer
def deconvolution_groups(net: CaffeNet) -> None:
    weight = net.random(4, 1, 4, 4)
    y = F.conv_transpose2d(net.x(None), weight, None, 2, 1, groups=4)
    more = "num_output: 4 kernel_size: 4 stride: 2 pad: 1 group: 4 bias_term: false"
    net.layer("Deconvolution", y, f"convolution_param {{ {more} }}", blobs=[weight])


@layer
def dense_transposed(net: CaffeNet) -> None:
    net.dense(5, transpose=True)


@layer
def batchnorm_alone(net: CaffeNet) -> None:
    net.batchnorm(scale=False)


@layer
def batchnorm_read_twice(net: CaffeNet) -> None:
    """Its scale cannot be read with it: another layer reads what it gives."""
    norm = net.batchnorm(scale=False, in_place=False)
    gamma = net.random(4)
    scaled = net.layer("Scale", net.x(norm) * gamma[:, None, None], blobs=[gamma])
    net.add(norm, scaled)


@layer
def scale_and_bias(net: CaffeNet) -> None:
    gamma, beta = net.random(4), net.random(4)
    net.layer("Scale", net.x(None) * gamma[:, None, None], blobs=[gamma])
    net.layer("Bias", net.x(None) + beta[:, None, None], blobs=[beta])


@layer
def squeeze_and_excitation(net: CaffeNet) -> None:
    x = net.last
    net.global_pool()
    net.conv(2, 1)
    net.relu()
    net.conv(4, 1)
    gates = net.layer("Sigmoid", net.x(None).sigmoid(), in_place=True)
    net.layer("Axpy", net.x(gates) * net.x(x) + net.x(x), bottoms=[gates, x, x])


@layer
def scale_by_vector(net: CaffeNet) -> None:
    x = net.last
    gates = net.dense(4)
    net.layer("Scale", net.x(x) * net.x(gates)[:, :, None, None], "scale_param { axis: 0 }", bottoms=[x, gates])


@layer
def prelu_channels(net: CaffeNet) -> None:
    slopes = net.random(4)
    net.layer("PReLU", F.prelu(net.x(None), slopes), blobs=[slopes])


@layer
def prelu_shared(net: CaffeNet) -> None:
    slope = net.random(1)
    net.layer("PReLU", F.prelu(net.x(None), slope), "prelu_param { channel_shared: true }", blobs=[slope])


@layer
def activations(net: CaffeNet) -> None:
    net.layer("ReLU", F.leaky_relu(net.x(None), 0.2), "relu_param { negative_slope: 0.2 }", in_place=True)
    net.layer("ELU", F.elu(net.x(None), 0.5), "elu_param { alpha: 0.5 }")
    net.layer("TanH", net.x(None).tanh())
    net.layer("BNLL", F.softplus(net.x(None)))
    net.layer("Power", (1 + 2 * net.x(None)) ** 2, "power_param { power: 2 scale: 2 shift: 1 }")
    net.layer("AbsVal", net.x(None).abs())
    net.layer("Sigmoid", net.x(None).sigmoid())


@layer
def swish_clip_threshold(net: CaffeNet) -> None:
    net.layer("Swish", F.silu(net.x(None)))
    net.layer("Power", 3 * net.x(None), "power_param { scale: 3 }")
    net.layer("Clip", F.relu6(net.x(None)), "clip_param { min: 0 max: 6 }")
    net.layer("Threshold", (net.x(None) > 0.5).float(), "threshold_param { threshold: 0.5 }")


@layer
def eltwise(net: CaffeNet) -> None:
    x = net.last
    a, b = net.conv(4, 1, bottom=x), net.conv(4, 1, bottom=x)
    c = net.layer("Eltwise", 0.5 * net.x(a) - net.x(b), "eltwise_param { coeff: 0.5 coeff: -1 }", bottoms=[a, b])
    d = net.layer("Eltwise", net.x(a) * net.x(c), "eltwise_param { operation: PROD }", bottoms=[a, c])
    net.layer("Eltwise", torch.maximum(net.x(d), net.x(b)), "eltwise_param { operation: MAX }", bottoms=[d, b])


@layer
def slices(net: CaffeNet) -> None:
    net.lines.append(
        'layer { name: "s" type: "Slice" bottom: "data" top: "a" top: "b" slice_param { slice_point: 1 } }'
    )
    a, b = net.values["data"].split((1, 3), 1)
    net.values |= {"a": a, "b": b}
    net.lines.append('layer { name: "t" type: "Split" bottom: "b" top: "c" top: "d" }')
    net.values |= {"c": b, "d": b}
    net.concat("c", "a", "d")


@layer
def concat_height(net: CaffeNet) -> None:
    x = net.last
    a, b = net.conv(3, 1, bottom=x), net.conv(3, 1, bottom=x)
    net.layer("Concat", torch.cat([net.x(a), net.x(b)], 2), "concat_param { axis: 2 }", bottoms=[a, b])


@layer
def flat_parts(net: CaffeNet) -> None:
    """Two flattened images are joined before a dense layer."""
    x = net.last
    a, b = net.conv(3, 1, bottom=x), net.conv(2, 3, bottom=x)
    ends = [net.layer("Flatten", net.x(name).flatten(1), bottoms=[name]) for name in (a, b)]
    net.concat(*ends)
    net.dense(5)


@layer
def reshape(net: CaffeNet) -> None:
    y = net.x(None).reshape(2, 4, 99)
    net.layer("Reshape", y, "reshape_param { shape { dim: 0 dim: 0 dim: -1 } }")
    net.layer("Reshape", y.reshape(2, 2, 2, 99), "reshape_param { shape { dim: 0 dim: 2 dim: 2 dim: -1 } }")
    net.dense(3)


@layer
def permute(net: CaffeNet) -> None:
    net.conv(6, 3)
    net.layer("Permute", net.x(None).permute(0, 2, 3, 1), "permute_param { order: [0, 2, 3, 1] }")
    net.layer("Flatten", net.x(None).flatten(1))


@layer
def shuffle(net: CaffeNet) -> None:
    y = F.channel_shuffle(net.x(None), 2)
    net.layer("ShuffleChannel", y, "shuffle_channel_param { group: 2 }")


@layer
def crop(net: CaffeNet) -> None:
    x = net.last
    small = net.conv(2, 5, bottom=x)
    y = net.x(x)[:, :, 1:8, 3:8]
    net.layer("Crop", y, "crop_param { axis: 2 offset: 1 offset: 3 }", bottoms=[x, small])


@layer
def upsample(net: CaffeNet) -> None:
    net.layer("Upsample", F.interpolate(net.x(None), scale_factor=2), "upsample_param { scale: 2 }")


@layer
def softmax_of_maps(net: CaffeNet) -> None:
    net.conv(5, 1)
    net.softmax()


@layer
def dropout_unscaled(net: CaffeNet) -> None:
    parameters = "dropout_param { dropout_ratio: 0.25 scale_train: false }"
    net.layer("Dropout", 0.75 * net.x(None), parameters)


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, tmp_path: Path) -> None:
    net = CaffeNet(4, 11, 9)
    LAYERS[name](net)
    check(net, tmp_path)


def test_input_of_features(tmp_path: Path) -> None:
    net = CaffeNet(7)
    net.dense(5)
    net.relu()
    net.dense(3)
    check(net, tmp_path)
