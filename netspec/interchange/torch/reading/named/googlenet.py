"""GoogLeNet as torchvision has it: with batch norms, and a 3x3 convolution in place of the 5x5 one."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.interchange.reading.alignment import LayerWeights
from netspec.interchange.torch.reading.named.recognized import Recognized
from netspec.interchange.torch.reading.named.state_dict import StateDict

BLOCKS = ("3a", "3b", "4a", "4b", "4c", "4d", "4e", "5a", "5b")
TEXT = """
# GoogLeNet with batch norms, as in torchvision: Szegedy et al. 2014, Going deeper with convolutions, arXiv:1409.4842,
# and Ioffe and Szegedy 2015, arXiv:1502.03167.

{param}input 224x224x3

def conv_norm(filters, kernel, stride = 1)
    = conv(filters, kernel, stride = stride, pad = kernel // 2, bias = false) -> batchnorm(epsilon = 1e-3) -> relu

def inception(conv1, reduce3, conv3, reduce5, conv5, pool) = (
    conv_norm(conv1, 1)
    | conv_norm(reduce3, 1) -> conv_norm(conv3, 3)
    | conv_norm(reduce5, 1) -> conv_norm(conv5, 3)
    | maxpool(3, stride = 1, pad = 1) -> conv_norm(pool, 1)
) -> concat

def shrink = maxpool(3, stride = 2, ceil = true)

stem = conv_norm(64, 7, stride = 2) -> shrink -> conv_norm(64, 1) -> conv_norm(192, 3) -> shrink

features = input -> stem
    -> inception(64, reduce3 = 96, conv3 = 128, reduce5 = 16, conv5 = 32, pool = 32)
    -> inception(128, reduce3 = 128, conv3 = 192, reduce5 = 32, conv5 = 96, pool = 64) -> shrink
    -> inception(192, reduce3 = 96, conv3 = 208, reduce5 = 16, conv5 = 48, pool = 64)
    -> inception(160, reduce3 = 112, conv3 = 224, reduce5 = 24, conv5 = 64, pool = 64)
    -> inception(128, reduce3 = 128, conv3 = 256, reduce5 = 24, conv5 = 64, pool = 64)
    -> inception(112, reduce3 = 144, conv3 = 288, reduce5 = 32, conv5 = 64, pool = 64)
    -> inception(256, reduce3 = 160, conv3 = 320, reduce5 = 32, conv5 = 128, pool = 128) -> maxpool(2)
    -> inception(256, reduce3 = 160, conv3 = 320, reduce5 = 32, conv5 = 128, pool = 128)
    -> inception(384, reduce3 = 192, conv3 = 384, reduce5 = 48, conv5 = 128, pool = 128)

features -> gap{head}
"""


def googlenet(weights: StateDict) -> Recognized | None:
    if weights.shape("inception3a.branch1.conv.weight") != (64, 192, 1, 1) or not weights.has("inception5b."):
        return None
    if weights.shape("inception3a.branch3.1.conv.weight") != (32, 16, 3, 3):
        return None
    layers = list(_layers(weights))
    param = head = ""
    if "fc.weight" in weights:
        layers.append(weights.dense("fc"))
        classes = weights.shape("fc.weight")[0]
        param = f"param classes = {classes}\n\n" if classes > 1 else ""
        head = " -> dropout(0.2) -> dense(classes, softmax)" if classes > 1 else " -> dropout(0.2) -> dense(1)"
    reason = "these heads are for training only"
    text = TEXT.lstrip().format(param=param, head=head)
    return Recognized("GoogLeNet", text, tuple(layers), weights, {"aux1.": reason, "aux2.": reason})


def _layers(weights: StateDict) -> Iterator[LayerWeights]:
    names = ["conv1", "conv2", "conv3"]
    for block in BLOCKS:
        branches = ("branch1", "branch2.0", "branch2.1", "branch3.0", "branch3.1", "branch4.1")
        names += [f"inception{block}.{branch}" for branch in branches]
    for name in names:
        yield weights.conv(f"{name}.conv")
        yield weights.batchnorm(f"{name}.bn")
