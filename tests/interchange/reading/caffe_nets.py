"""Networks of Caffe, written as a prototxt and a caffemodel, and computed by PyTorch at the same time."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F


def varint(number: int) -> bytes:
    """A number in protobuf's binary format."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def bytes_field(number: int, content: bytes) -> bytes:
    """A field that has bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def blob(array: Any, *, is_packed: bool = True, is_old: bool = False, is_double: bool = False) -> bytes:
    """A BlobProto."""
    array = np.asarray(array)
    if is_old:
        sizes = (1,) * (4 - array.ndim) + array.shape
        head = b"".join(varint(field << 3) + varint(size) for field, size in enumerate(sizes, start=1))
    else:
        head = bytes_field(7, bytes_field(1, b"".join(map(varint, array.shape))))
    numbers = array.astype("<f8" if is_double else "<f4")
    field, kind = (8, 1) if is_double else (5, 5)
    if is_packed:
        return head + bytes_field(field, numbers.tobytes())
    code = "<d" if is_double else "<f"
    return head + b"".join(varint(field << 3 | kind) + struct.pack(code, x) for x in numbers.reshape(-1).tolist())


class CaffeNet:
    """Writes layers, and computes them at once for one batch of inputs.

    `values` are the blobs by name, `input` the first of them, `weights` those of each layer. With `is_old`, the files
    are as before 2014.
    """

    def __init__(self, *sizes: int, seed: int = 0, is_old: bool = False, batch: int = 2) -> None:
        self.rng = np.random.default_rng(seed)
        self.is_old = is_old
        self.lines = ['name: "test"', 'input: "data"']
        shape = (batch, *sizes)
        if is_old:
            self.lines += [f"input_dim: {size}" for size in shape]
        else:
            self.lines.append(f"input_shape {{ {' '.join(f'dim: {size}' for size in shape)} }}")
        self.weights: dict[str, list[np.ndarray]] = {}
        self.values = {"data": torch.tensor(self.rng.normal(size=shape), dtype=torch.float32)}
        self.input = self.values["data"]
        self.last = "data"
        self.count = 0

    # ---------------------------------------------------------------- files

    def write(self, folder: Path, **options: bool) -> tuple[Path, Path]:
        """The prototxt and the caffemodel."""
        text, weights = folder / "net.prototxt", folder / "net.caffemodel"
        text.write_text("\n".join(self.lines) + "\n")
        weights.write_bytes(self.caffemodel(**options))
        return text, weights

    def caffemodel(self, **options: bool) -> bytes:
        """The bytes of the weights."""
        name_field, blobs_field, layer_field = (4, 6, 2) if self.is_old else (1, 7, 100)
        return b"".join(
            bytes_field(
                layer_field,
                bytes_field(name_field, name.encode())
                + b"".join(bytes_field(blobs_field, blob(b, is_old=self.is_old, **options)) for b in blobs),
            )
            for name, blobs in self.weights.items()
        )

    # ---------------------------------------------------------------- layers

    def layer(self, type: str, y: Any, parameters: str = "", *, bottoms: Sequence[str] = (), **names: Any) -> str:
        """A layer and its result. `name` is its name, `top` its top: `in_place` or else the name."""
        self.count += 1
        name = names.get("name") or f"{type.lower()}{self.count}"
        bottoms = bottoms or (self.last,)
        top = bottoms[0] if names.get("in_place") else names.get("top", name)
        kind = OLD.get(type, type.upper()) if self.is_old else f'"{type}"'
        ends = " ".join([f'bottom: "{b}"' for b in bottoms] + [f'top: "{top}"'])
        self.lines.append(
            f'{"layers" if self.is_old else "layer"} {{ name: "{name}" type: {kind} {ends} {parameters} }}'
        )
        self.values[top] = y
        self.last = top
        self.weights[name] = [np.asarray(b, np.float32) for b in names.get("blobs", ())]
        return top

    def x(self, bottom: str | None) -> torch.Tensor:
        return self.values[bottom or self.last]

    def random(self, *shape: int, scale: float = 1.0, low: float | None = None) -> torch.Tensor:
        found = self.rng.normal(size=shape) if low is None else self.rng.uniform(low, low + 1, size=shape)
        return torch.tensor(found * scale, dtype=torch.float32)

    def conv(
        self,
        filters: int,
        kernel: int,
        stride: int = 1,
        pad: int = 0,
        group: int = 1,
        dilation: int = 1,
        bias: bool = True,
        bottom: str | None = None,
        name: str = "",
    ) -> str:
        x = self.x(bottom)
        inner = x.shape[1] // group
        weight = self.random(filters, inner, kernel, kernel, scale=(2 / (inner * kernel * kernel)) ** 0.5)
        offset = self.random(filters, scale=0.1) if bias else None
        y = F.conv2d(x, weight, offset, stride, pad, dilation, group)
        more = f"kernel_size: {kernel} stride: {stride} pad: {pad} group: {group}"
        more += f" dilation: {dilation}" if dilation > 1 else ""
        more += "" if bias else " bias_term: false"
        blobs = [weight] if offset is None else [weight, offset]
        parameters = f"convolution_param {{ num_output: {filters} {more} }}"
        return self.layer("Convolution", y, parameters, bottoms=[bottom or self.last], name=name, blobs=blobs)

    def relu(self, name: str = "", in_place: bool = True) -> str:
        return self.layer("ReLU", self.x(None).relu(), name=name, in_place=in_place)

    def conv_relu(self, *args: int, **more: Any) -> str:
        self.conv(*args, **more)
        return self.relu(name=f"relu_{more['name']}" if more.get("name") else "")

    def pool(
        self, kind: str, kernel: int, stride: int = 1, pad: int = 0, bottom: str | None = None, name: str = ""
    ) -> str:
        x = self.x(bottom)
        if kind == "MAX":
            y = F.max_pool2d(x, kernel, stride, pad, ceil_mode=True)
        else:
            y = F.avg_pool2d(x, kernel, stride, pad, ceil_mode=True, count_include_pad=True)
        parameters = f"pooling_param {{ pool: {kind} kernel_size: {kernel} stride: {stride} pad: {pad} }}"
        return self.layer("Pooling", y, parameters, bottoms=[bottom or self.last], name=name)

    def global_pool(self, kind: str = "AVE", name: str = "") -> str:
        x = self.x(None)
        y = x.mean((2, 3), keepdim=True) if kind == "AVE" else x.amax((2, 3), keepdim=True)
        return self.layer("Pooling", y, f"pooling_param {{ pool: {kind} global_pooling: true }}", name=name)

    def dense(self, units: int, name: str = "", transpose: bool = False) -> str:
        x = self.x(None).flatten(1)
        weight, bias = self.random(units, x.shape[1], scale=x.shape[1] ** -0.5), self.random(units, scale=0.1)
        y = F.linear(x, weight, bias)
        parameters = f"inner_product_param {{ num_output: {units} {'transpose: true' if transpose else ''} }}"
        blobs = [weight.T if transpose else weight, bias]
        return self.layer("InnerProduct", y, parameters, name=name, blobs=blobs)

    def lrn(self, size: int = 5, alpha: float = 1e-1, beta: float = 0.75) -> str:
        y = F.local_response_norm(self.x(None), size, alpha, beta, 1.0)
        return self.layer("LRN", y, f"lrn_param {{ local_size: {size} alpha: {alpha} beta: {beta} }}")

    def batchnorm(self, *, count: float = 2.0, in_place: bool = True, scale: bool = True, gain: float = 1.0) -> str:
        x = self.x(None)
        channels = x.shape[1]
        mean, variance = self.random(channels, scale=0.2), self.random(channels, low=0.5)
        blobs = [mean * count, variance * count, torch.tensor([count])]
        y = F.batch_norm(x, mean, variance, eps=1e-5)
        top = self.layer("BatchNorm", y, in_place=in_place, blobs=blobs)
        if not scale:
            return top
        gamma, beta = self.random(channels, low=0.5, scale=gain), self.random(channels, scale=0.1)
        y = y * gamma[:, None, None] + beta[:, None, None]
        parameters = "scale_param { bias_term: true }"
        return self.layer("Scale", y, parameters, in_place=in_place, blobs=[gamma, beta])

    def add(self, a: str, b: str) -> str:
        return self.layer("Eltwise", self.x(a) + self.x(b), bottoms=[a, b])

    def concat(self, *bottoms: str, name: str = "") -> str:
        y = torch.cat([self.x(b) for b in bottoms], 1)
        return self.layer("Concat", y, bottoms=bottoms, name=name)

    def dropout(self, rate: float = 0.5) -> str:
        return self.layer("Dropout", self.x(None), f"dropout_param {{ dropout_ratio: {rate} }}", in_place=True)

    def softmax(self, name: str = "prob") -> str:
        return self.layer("Softmax", self.x(None).softmax(1), name=name)


OLD = {"InnerProduct": "INNER_PRODUCT"}


# ---------------------------------------------------------------- networks


def lenet() -> CaffeNet:
    net = CaffeNet(1, 28, 28)
    net.conv(6, 5, name="conv1")
    net.pool("MAX", 2, 2, name="pool1")
    net.conv(12, 5, name="conv2")
    net.pool("MAX", 2, 2, name="pool2")
    net.dense(40, name="ip1")
    net.relu(name="relu1")
    net.dense(10, name="ip2")
    net.softmax()
    return net


def alexnet(is_old: bool = False) -> CaffeNet:
    net = CaffeNet(3, 67, 67, is_old=is_old)
    net.conv_relu(16, 11, 4, name="conv1")
    net.lrn()
    net.pool("MAX", 3, 2, name="pool1")
    net.conv_relu(24, 5, 1, 2, 2, name="conv2")
    net.lrn()
    net.pool("MAX", 3, 2, name="pool2")
    net.conv_relu(32, 3, 1, 1, name="conv3")
    net.conv_relu(32, 3, 1, 1, 2, name="conv4")
    net.conv_relu(24, 3, 1, 1, 2, name="conv5")
    net.pool("MAX", 3, 2, name="pool5")
    for name in ("fc6", "fc7"):
        net.dense(32, name=name)
        net.relu()
        net.dropout()
    net.dense(10, name="fc8")
    net.softmax()
    return net


def vgg16() -> CaffeNet:
    net = CaffeNet(3, 32, 32)
    for stage, (filters, count) in enumerate(((4, 2), (8, 2), (8, 3), (16, 3), (16, 3)), start=1):
        for index in range(count):
            net.conv_relu(filters, 3, 1, 1, name=f"conv{stage}_{index + 1}")
        net.pool("MAX", 2, 2, name=f"pool{stage}")
    for name in ("fc6", "fc7"):
        net.dense(24, name=name)
        net.relu()
        net.dropout()
    net.dense(10, name="fc8")
    net.softmax()
    return net


def googlenet() -> CaffeNet:
    net = CaffeNet(3, 64, 64)

    def inception(name: str, widths: Sequence[int]) -> None:
        x, ends = net.last, []
        ends.append(net.conv_relu(widths[0], 1, bottom=x, name=f"{name}/1x1"))
        net.conv_relu(widths[1], 1, bottom=x, name=f"{name}/3x3_reduce")
        ends.append(net.conv_relu(widths[2], 3, 1, 1, name=f"{name}/3x3"))
        net.conv_relu(widths[3], 1, bottom=x, name=f"{name}/5x5_reduce")
        ends.append(net.conv_relu(widths[4], 5, 1, 2, name=f"{name}/5x5"))
        net.pool("MAX", 3, 1, 1, bottom=x, name=f"{name}/pool")
        ends.append(net.conv_relu(widths[5], 1, name=f"{name}/pool_proj"))
        net.concat(*ends, name=f"{name}/output")

    net.conv_relu(8, 7, 2, 3, name="conv1/7x7_s2")
    net.pool("MAX", 3, 2, name="pool1/3x3_s2")
    net.lrn()
    net.conv_relu(8, 1, name="conv2/3x3_reduce")
    net.conv_relu(12, 3, 1, 1, name="conv2/3x3")
    net.lrn()
    net.pool("MAX", 3, 2, name="pool2/3x3_s2")
    inception("inception_3a", (8, 4, 8, 4, 4, 4))
    inception("inception_3b", (8, 4, 8, 4, 4, 4))
    net.pool("MAX", 3, 2, name="pool3/3x3_s2")
    inception("inception_4a", (8, 4, 8, 4, 8, 4))
    net.pool("AVE", 4, name="pool5/4x4_s1")
    net.dropout(0.4)
    net.dense(10, name="loss3/classifier")
    net.softmax()
    return net


def resnet() -> CaffeNet:
    net = CaffeNet(3, 24, 24)

    def unit(name: str, width: int, stride: int, project: bool) -> None:
        x = net.last
        if project:
            net.conv(4 * width, 1, stride, bias=False, bottom=x, name=f"{name}_branch1")
            shortcut = net.batchnorm()
        else:
            shortcut = x
        net.conv(width, 1, stride, bias=False, bottom=x, name=f"{name}_branch2a")
        net.batchnorm()
        net.relu()
        net.conv(width, 3, 1, 1, bias=False, name=f"{name}_branch2b")
        net.batchnorm()
        net.relu()
        net.conv(4 * width, 1, bias=False, name=f"{name}_branch2c")
        net.add(shortcut, net.batchnorm(gain=0.3))
        net.relu()

    net.conv(8, 7, 2, 3, name="conv1")
    net.batchnorm()
    net.relu()
    net.pool("MAX", 3, 2, name="pool1")
    for stage, count in ((2, 2), (3, 2)):
        for index in range(count):
            stride = 2 if stage > 2 and index == 0 else 1
            unit(f"res{stage}{'abcdef'[index]}", 4 * (stage - 1), stride, index == 0)
    net.pool("AVE", 3, name="pool5")
    net.dense(10, name="fc1000")
    net.softmax()
    return net


def squeezenet() -> CaffeNet:
    net = CaffeNet(3, 47, 47)

    def fire(name: str, squeeze: int, expand: int) -> None:
        x = net.conv_relu(squeeze, 1, name=f"{name}/squeeze1x1")
        a = net.conv_relu(expand, 1, bottom=x, name=f"{name}/expand1x1")
        b = net.conv_relu(expand, 3, 1, 1, bottom=x, name=f"{name}/expand3x3")
        net.concat(a, b, name=f"{name}/concat")

    net.conv_relu(8, 3, 2, name="conv1")
    net.pool("MAX", 3, 2, name="pool1")
    fire("fire2", 4, 8)
    fire("fire3", 4, 8)
    net.pool("MAX", 3, 2, name="pool3")
    fire("fire4", 6, 12)
    net.dropout()
    net.conv_relu(10, 1, name="conv10")
    net.global_pool(name="pool10")
    net.softmax()
    return net


def mobilenet() -> CaffeNet:
    net = CaffeNet(3, 32, 32)
    net.conv(8, 3, 2, 1, bias=False, name="conv1")
    net.batchnorm(in_place=False)
    net.relu()
    for index, (filters, stride) in enumerate(((8, 1), (16, 2), (16, 1), (24, 2)), start=2):
        channels = net.x(None).shape[1]
        net.conv(channels, 3, stride, 1, channels, bias=False, name=f"conv{index}_1/dw")
        net.batchnorm(in_place=False)
        net.relu()
        net.conv(filters, 1, bias=False, name=f"conv{index}_1/sep")
        net.batchnorm(in_place=False)
        net.relu()
    net.global_pool(name="pool6")
    net.conv(10, 1, name="fc7")
    net.softmax()
    return net


NETS = {
    "lenet": lenet,
    "alexnet": alexnet,
    "alexnet_v1": lambda: alexnet(is_old=True),
    "vgg16": vgg16,
    "googlenet": googlenet,
    "resnet": resnet,
    "squeezenet": squeezenet,
    "mobilenet": mobilenet,
}
"""Networks by name."""
