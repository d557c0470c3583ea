"""Networks for images by the names of torchvision and timm; their texts are those of specs that come with netspec."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

from netspec.interchange.reading.alignment import LayerWeights
from netspec.interchange.torch.reading.named.recognized import Recognized
from netspec.interchange.torch.reading.named.state_dict import StateDict
from netspec.language.files.example_specs import specs_folder

CLASSES = 1000
LINE = re.compile(r"^features (-> .*)$", re.MULTILINE)
"""The head: the last line of each of these specs."""


def _network(title: str, text: str, layers: Iterator[LayerWeights], head: str, weights: StateDict) -> Recognized:
    """The network with as many classes as `head` has, the name of the last layer; without it if there is none."""
    found = list(layers)
    text, _, expected = text.partition("\nexpect {")
    if f"{head}.weight" in weights:
        found.append(weights.dense(head))
        classes = weights.shape(f"{head}.weight")[0]
        if classes == CLASSES:
            return Recognized(title, f"{text}\nexpect {{{expected}", tuple(found), weights)
        last = "dense(1)" if classes == 1 else "dense(classes, softmax)"
        if classes > 1:
            text = text.replace("\ninput ", f"\nparam classes = {classes}\n\ninput ", 1)
        return Recognized(title, text.replace("dense(1000, softmax)", last), tuple(found), weights)
    return Recognized(
        title, re.sub(r"( -> dropout\(0.2\))? -> dense\(1000, softmax\)", "", text), tuple(found), weights
    )


def spec(name: str) -> str:
    """The text of a spec that comes with netspec."""
    return (specs_folder() / f"{name}.net").read_text(encoding="utf-8")


# ---------------------------------------------------------------- AlexNet, VGG


def alexnet(weights: StateDict) -> Recognized | None:
    if weights.shape("features.0.weight") != (64, 3, 11, 11):
        return None
    return _network("AlexNet", _features_only(spec("alexnet"), weights), _alexnet(weights), "classifier.6", weights)


def _alexnet(weights: StateDict) -> Iterator[LayerWeights]:
    yield from (weights.conv(f"features.{index}") for index in (0, 3, 6, 8, 10))
    yield from _two_dense(weights, "classifier.1", "classifier.4", (256, 6, 6))


def _two_dense(weights: StateDict, first: str, second: str, image: tuple[int, int, int]) -> Iterator[LayerWeights]:
    if f"{first}.weight" in weights:
        yield weights.dense(first, image)
        yield weights.dense(second)


def _features_only(text: str, weights: StateDict) -> str:
    """Without any dense layer, where the file has none."""
    if weights.has("classifier.") or weights.has("pre_logits."):
        return text
    return LINE.sub("features", text.partition("\nexpect {")[0])


VGG: dict[tuple[int, ...], str] = {
    (1, 1, 2, 2, 2): "11",
    (2, 2, 2, 2, 2): "13",
    (2, 2, 3, 3, 3): "16",
    (2, 2, 4, 4, 4): "19",
}
"""The number of a VGG by its convolutions in each stage."""


def vgg(weights: StateDict) -> Recognized | None:
    """VGG of all depths, with batch norm or without it."""
    has_norm = "features.1.running_mean" in weights
    stages = _vgg_stages(weights)
    if weights.shape("features.0.weight") != (64, 3, 3, 3) or stages not in VGG:
        return None
    number = VGG[stages]
    text = spec("vgg16_bn" if has_norm else "vgg16").replace("VGG-16", f"VGG-{number}")
    last = "stage(512, 2) * 2" if stages[3] == 2 else f"stage(512, {stages[3]}) * 2"
    first = " -> ".join(f"stage({64 << index}, {count})" for index, count in enumerate(stages[:3]))
    if number != "16":
        text = re.sub(r"^features = .*$", f"features = input -> {first} -> {last}", text, flags=re.MULTILINE)
        text = text.partition("\nexpect {")[0]
        text = text.replace(" The 4,224 biases", " The biases")
    timm = weights.has("pre_logits.")
    head = "head.fc" if timm else "classifier.6"
    return _network(f"VGG-{number}", _features_only(text, weights), _vgg(weights, has_norm=has_norm), head, weights)


def _vgg_stages(weights: StateDict) -> tuple[int, ...]:
    """How many convolutions each of the five stages has: there is a pooling where the numbers leave a gap."""
    numbers = [index for index in range(60) if len(weights.shape(f"features.{index}.weight")) == 4]
    step = 3 if "features.1.running_mean" in weights else 2
    stages = [1] if numbers else []
    for before, after in pairwise(numbers):
        if after == before + step:
            stages[-1] += 1
        else:
            stages.append(1)
    return tuple(stages)


def _vgg(weights: StateDict, *, has_norm: bool) -> Iterator[LayerWeights]:
    for index in range(60):
        if len(weights.shape(f"features.{index}.weight")) == 4:
            yield weights.conv(f"features.{index}")
            if has_norm:
                yield weights.batchnorm(f"features.{index + 1}")
    if weights.has("pre_logits."):
        yield weights.dense("pre_logits.fc1")
        yield weights.dense("pre_logits.fc2")
    else:
        yield from _two_dense(weights, "classifier.0", "classifier.3", (512, 7, 7))


# ---------------------------------------------------------------- ResNet

RESNETS: dict[tuple[bool, tuple[int, ...]], str] = {
    (False, (2, 2, 2, 2)): "18",
    (False, (3, 4, 6, 3)): "34",
    (True, (3, 4, 6, 3)): "50",
    (True, (3, 4, 23, 3)): "101",
    (True, (3, 8, 36, 3)): "152",
}
"""The number of a ResNet by whether it has bottlenecks, and its blocks in each stage."""


def resnet(weights: StateDict) -> Recognized | None:
    is_deep = "layer1.0.conv3.weight" in weights
    blocks = tuple(weights.count(f"layer{stage}.*.conv1.weight") for stage in (1, 2, 3, 4))
    if (is_deep, blocks) not in RESNETS or weights.shape("conv1.weight") != (64, 3, 7, 7):
        return None
    number = RESNETS[is_deep, blocks]
    return _network(f"ResNet-{number}", spec(f"resnet{number}"), _resnet(weights, blocks, is_deep), "fc", weights)


def _resnet(weights: StateDict, blocks: Sequence[int], is_deep: bool) -> Iterator[LayerWeights]:
    yield weights.conv("conv1")
    yield weights.batchnorm("bn1")
    for stage, count in enumerate(blocks, 1):
        for block in range(count):
            place = f"layer{stage}.{block}"
            for part in (1, 2, 3) if is_deep else (1, 2):
                yield weights.conv(f"{place}.conv{part}")
                yield weights.batchnorm(f"{place}.bn{part}")
            if f"{place}.downsample.0.weight" in weights:
                yield weights.conv(f"{place}.downsample.0")
                yield weights.batchnorm(f"{place}.downsample.1")


# ---------------------------------------------------------------- MobileNetV2

STAGES = ((16, 1), (24, 2), (32, 3), (64, 4), (96, 3), (160, 3), (320, 1))
"""Channels and blocks of each stage of MobileNetV2."""


def mobilenet_v2(weights: StateDict) -> Recognized | None:
    """By the names of torchvision, or by those of timm."""
    text, title = spec("mobilenet_v2"), "MobileNetV2"
    if weights.shape("features.0.0.weight") == (32, 3, 3, 3) and weights.shape("features.18.0.weight")[:1] == (1280,):
        return _network(title, text, _mobilenet(weights), "classifier.1", weights)
    is_timm = weights.shape("conv_stem.weight") == (32, 3, 3, 3) and "blocks.1.0.conv_pwl.weight" in weights
    if is_timm and weights.shape("blocks.6.0.conv_pwl.weight")[:1] == (320,):
        return _network(title, text, _timm_mobilenet(weights), "classifier", weights)
    return None


def _mobilenet(weights: StateDict) -> Iterator[LayerWeights]:
    yield weights.conv("features.0.0")
    yield weights.batchnorm("features.0.1")
    for index in range(1, 18):
        place = f"features.{index}.conv"
        for part in (0,) if index == 1 else (0, 1):
            yield weights.conv(f"{place}.{part}.0")
            yield weights.batchnorm(f"{place}.{part}.1")
        last = 1 if index == 1 else 2
        yield weights.conv(f"{place}.{last}")
        yield weights.batchnorm(f"{place}.{last + 1}")
    yield weights.conv("features.18.0")
    yield weights.batchnorm("features.18.1")


def _timm_mobilenet(weights: StateDict) -> Iterator[LayerWeights]:
    yield weights.conv("conv_stem")
    yield weights.batchnorm("bn1")
    for stage, (_, count) in enumerate(STAGES):
        for block in range(count):
            for index, part in enumerate(("conv_dw", "conv_pw") if stage == 0 else ("conv_pw", "conv_dw", "conv_pwl")):
                yield weights.conv(f"blocks.{stage}.{block}.{part}")
                yield weights.batchnorm(f"blocks.{stage}.{block}.bn{index + 1}")
    yield weights.conv("conv_head")
    yield weights.batchnorm("bn2")


# ---------------------------------------------------------------- DenseNet

OLD_NAME = re.compile(r"(denselayer\d+\.(?:norm|relu|conv))\.([12])\.")
"""As in the first files of torchvision: `norm.1` for `norm1`."""


def densenet(weights: StateDict) -> Recognized | None:
    weights.arrays = {OLD_NAME.sub(r"\1\2.", name): array for name, array in weights.arrays.items()}
    names = [f"features.denseblock{block}.denselayer*.conv1.weight" for block in (1, 2, 3, 4)]
    counts = tuple(_counted(weights, name) for name in names)
    if counts != (6, 12, 24, 16) or weights.shape("features.conv0.weight") != (64, 3, 7, 7):
        return None
    return _network("DenseNet-121", spec("densenet121"), _densenet(weights, counts), "classifier", weights)


def _counted(weights: StateDict, pattern: str) -> int:
    """How many names there are with 1, 2, 3 … for the star."""
    found = 0
    while pattern.replace("*", str(found + 1)) in weights:
        found += 1
    return found


def _densenet(weights: StateDict, counts: Sequence[int]) -> Iterator[LayerWeights]:
    yield weights.conv("features.conv0")
    yield weights.batchnorm("features.norm0")
    for block, count in enumerate(counts, 1):
        for index in range(1, count + 1):
            place = f"features.denseblock{block}.denselayer{index}"
            for part in (1, 2):
                yield weights.batchnorm(f"{place}.norm{part}")
                yield weights.conv(f"{place}.conv{part}")
        if block < len(counts):
            yield weights.batchnorm(f"features.transition{block}.norm")
            yield weights.conv(f"features.transition{block}.conv")
    yield weights.batchnorm("features.norm5")
