"""The builder of channels-first programs: each operator computes what PyTorch does, for the same weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from netspec.interchange.formats import Foreign
from netspec.interchange.imports import imported_from
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.reading.sketch import Sketch
from netspec.layers import activations as words

torch = pytest.importorskip("torch")
F = torch.nn.functional

rng = np.random.default_rng(0)


def random(*sizes: int) -> np.ndarray:
    return rng.normal(size=sizes).astype(np.float32)


def read(
    build: Callable[..., Value], *sizes: Sequence[int], axes: Sequence[int] | None = None
) -> tuple[Sketch, list[Value], Value]:
    """A sketch, its inputs and its output."""
    sketch = Sketch("net")
    builder = Builder(sketch)
    inputs = [builder.input(f"x{i}", s, axes=axes) for i, s in enumerate(sizes)]
    return sketch, inputs, builder.output(build(builder, *inputs))


def texts(build: Callable[..., Value], *sizes: Sequence[int], axes: Sequence[int] | None = None) -> list[str]:
    """The layers."""
    sketch, _, _ = read(build, *sizes, axes=axes)
    sketch.problems.raise_errors()
    return [step.layer.to_source() for step in sketch.steps if step.layer is not None]


def check(
    build: Callable[..., Value],
    expected: Callable[..., object],
    *sizes: Sequence[int],
    axes: Sequence[int] | None = None,
) -> list[str]:
    """Whether the sketch, written, compiled and given its weights, computes what is expected; its layers."""
    sketch, inputs, output = read(build, *sizes, axes=axes)
    layers = [step.layer.to_source() for step in sketch.steps if step.layer is not None]
    model = imported_from(Foreign(sketch), "tests").model
    arrays = [random(2, *s) for s in sizes]
    own = [transposed(a, v) for a, v in zip(arrays, inputs, strict=True)]
    (found,) = model.predictions(*own).values()
    wanted = np.asarray(expected(*map(torch.tensor, arrays)))
    np.testing.assert_allclose(found, transposed(wanted, output).reshape(found.shape), atol=2e-5)
    return layers


def transposed(array: np.ndarray, value: Value) -> np.ndarray:
    """An array of the other program with netspec's order of axes."""
    order = [axis for axis in value.layout if axis is not None]
    rest = [a for a in range(array.ndim) if a not in order]
    return array.transpose(*rest, *order).reshape(len(array), *value.step.shape.sizes)


def reasons(build: Callable[..., Value], *sizes: Sequence[int]) -> list[str]:
    """What could not be said."""
    sketch, _, _ = read(build, *sizes)
    return [problem.reason for problem in sketch.problems]


@pytest.mark.parametrize(
    ("size", "kernel", "options", "text"),
    [
        ((3, 8, 9), (3, 3), {"pads": 1}, ["conv(4, 3x3)"]),
        ((3, 8, 9), (3, 3), {"pads": 1, "stride": 2}, ["conv(4, 3x3, stride = 2, pad = 1)"]),
        ((3, 8, 8), (3, 3), {"pads": [(0, 1), (0, 1)], "stride": 2}, ["conv(4, 3x3, stride = 2)"]),
        ((3, 8, 8), (3, 3), {"pads": "same_upper", "stride": 2}, ["conv(4, 3x3, stride = 2)"]),
        ((3, 8, 8), (3, 3), {"pads": [(1, 0), (1, 0)], "stride": 2}, None),
        ((3, 8, 8), (3, 5), {"pads": [(1, 1), (2, 2)]}, ["conv(4, 3x5)"]),
        ((3, 9, 9), (3, 3), {"pads": 2, "dilation": 2}, ["conv(4, 3x3, dilation = 2)"]),
        ((3, 9, 9), (3, 3), {}, ["conv(4, 3x3, pad = valid)"]),
        ((3, 9, 9), (1, 1), {"stride": 2}, ["conv(4, 1x1, stride = 2)"]),
        ((2, 9, 9), (3, 3), {"groups": 2, "pads": 1}, ["depthwise(3x3, multiplier = 2)"]),
        ((4, 9, 9), (3, 3), {"groups": 2, "pads": 1}, ["conv(4, 3x3, groups = 2)"]),
        ((4, 5, 6, 4), (3, 3, 2), {"stride": (2, 1, 1)}, None),
    ],
)
def test_conv(size: tuple[int, ...], kernel: tuple[int, ...], options: dict, text: list[str] | None) -> None:
    weight, bias = random(4, size[0] // options.get("groups", 1), *kernel), random(4)

    def expected(x: object) -> object:
        pads = options.get("pads", 0)
        if pads == "same_upper":
            pads = [(0, 1), (0, 1)]
        if isinstance(pads, list):
            x, pads = F.pad(x, [n for pair in reversed(pads) for n in pair]), 0
        more = {"dilation": options.get("dilation", 1), "groups": options.get("groups", 1)}
        conv = (F.conv2d, F.conv3d)[len(kernel) - 2]
        return conv(x, torch.tensor(weight), torch.tensor(bias), options.get("stride", 1), pads, **more)

    found = check(lambda b, x: b.conv(x, weight=weight, bias=bias, **options), expected, size)
    assert text is None or found == text


def test_conv_of_sequences() -> None:
    weight = random(5, 3, 3)
    found = check(
        lambda b, x: b.conv(x, weight=weight, pads=1),
        lambda x: F.conv1d(x, torch.tensor(weight), padding=1),
        (3, 7),
        axes=(0, 2, 1),
    )
    assert found == ["conv(5, bias = false)"]


@pytest.mark.parametrize(
    ("kernel", "options"),
    [
        (2, {"stride": 2}),
        (4, {"stride": 2, "padding": 1}),
        (3, {"stride": 2, "padding": 1, "output_padding": 1}),
        (3, {"stride": 1, "padding": 1, "dilation": 2}),
        (3, {"stride": 3}),
    ],
)
def test_transposed_conv(kernel: int, options: dict) -> None:
    weight, bias = random(3, 4, kernel, kernel), random(4)
    own = {("pads" if name == "padding" else name): value for name, value in options.items()}
    check(
        lambda b, x: b.conv_transpose(x, weight=weight, bias=bias, **own),
        lambda x: F.conv_transpose2d(x, torch.tensor(weight), torch.tensor(bias), **options),
        (3, 5, 6),
    )


def test_transposed_conv_with_other_padding() -> None:
    weight = random(3, 4, 3, 3)
    check(
        lambda b, x: b.conv_transpose(x, weight=weight, stride=2, pads=[(0, 1), (1, 0)]),
        lambda x: F.conv_transpose2d(x, torch.tensor(weight), stride=2)[:, :, :-1, 1:],
        (3, 5, 6),
    )


@pytest.mark.parametrize("kind", ["max", "average", "average_counted"])
@pytest.mark.parametrize(
    ("size", "window", "stride", "pads", "ceil"),
    [
        ((8, 8), 2, 2, 0, False),
        ((9, 8), 3, 2, 1, False),
        ((9, 8), 3, 2, 0, True),
        ((9, 8), 3, 2, 0, False),
        ((8, 8), 3, 1, 1, False),
        ((10, 7), 3, 2, 1, True),
    ],
)
def test_pool(kind: str, size: tuple[int, int], window: int, stride: int, pads: int, ceil: bool) -> None:
    counted = kind == "average_counted"

    def expected(x: object) -> object:
        if kind == "max":
            return F.max_pool2d(x, window, stride, pads, ceil_mode=ceil)
        return F.avg_pool2d(x, window, stride, pads, ceil_mode=ceil, count_include_pad=counted)

    options = {"kernel": window, "stride": stride, "pads": pads, "ceil": ceil, "count_include_pad": counted}
    check(lambda b, x: b.pool(x, kind.partition("_")[0], **options), expected, (3, *size))


def test_pool_with_other_padding() -> None:
    found = check(
        lambda b, x: b.pool(x, "max", kernel=3, stride=2, pads=[(1, 0), (1, 0)]),
        lambda x: F.max_pool2d(F.pad(x, (1, 0, 1, 0), value=-torch.inf), 3, 2),
        (3, 8, 8),
    )
    assert len(found) == 2
    average = {"kernel": 3, "stride": 2, "pads": [(1, 0), (1, 0)]}
    check(
        lambda b, x: b.pool(x, "average", count_include_pad=True, **average),
        lambda x: F.avg_pool2d(F.pad(x, (1, 0, 1, 0)), 3, 2),
        (3, 8, 8),
    )
    (reason,) = reasons(lambda b, x: b.pool(x, "average", **average), (3, 8, 8))
    assert "does not count it" in reason


def test_batchnorm() -> None:
    scale, offset, mean, variance = random(3), random(3), random(3), np.abs(random(3)) + 0.5
    check(
        lambda b, x: b.batchnorm(x, scale=scale, offset=offset, mean=mean, variance=variance, epsilon=1e-3),
        lambda x: F.batch_norm(x, *map(torch.tensor, (mean, variance, scale, offset)), eps=1e-3),
        (3, 4, 5),
    )


def test_squeeze_and_excite() -> None:
    """Convolutions of the one position that a global pool leaves are dense layers."""
    first, second = random(2, 4, 1, 1), random(4, 2, 1, 1)

    def build(b: Builder, x: Value) -> Value:
        y = b.conv(b.global_pool(x, "average"), weight=first, bias=random(2) * 0)
        y = b.activation(b.conv(b.activation(y, words.Relu()), weight=second), words.Sigmoid())
        return b.mul(x, y)

    def expected(x: object) -> object:
        y = F.relu(F.conv2d(F.adaptive_avg_pool2d(x, 1), torch.tensor(first)))
        return x * torch.sigmoid(F.conv2d(y, torch.tensor(second)))

    assert check(build, expected, (4, 5, 6)) == [
        "gap",
        "dense(2)",
        "relu",
        "dense(4, bias = false)",
        "sigmoid",
        "mul",
    ]


def test_flatten_needs_no_permute() -> None:
    """The rows of the next kernel are sorted instead; so are the weights of norms between."""
    weight, scale, offset = random(60, 7), random(60), random(60)
    mean, variance = random(60), np.abs(random(60)) + 0.5

    def build(b: Builder, x: Value) -> Value:
        y = b.dropout(b.activation(b.flatten(x), words.Relu()), 0.5)
        y = b.batchnorm(y, scale=scale, offset=offset, mean=mean, variance=variance)
        return b.dense(y, weight=weight)

    def expected(x: object) -> object:
        y = F.relu(x.flatten(1))
        return F.batch_norm(y, *map(torch.tensor, (mean, variance, scale, offset))) @ torch.tensor(weight)

    assert check(build, expected, (3, 4, 5)) == [
        "flatten",
        "relu",
        "dropout(0.5)",
        "batchnorm",
        "dense(7, bias = false)",
    ]


def test_flattened_output_is_in_its_own_order() -> None:
    assert check(lambda b, x: b.flatten(x), lambda x: x.flatten(1), (3, 4, 5))[-2:] == ["permute([3, 1, 2])", "flatten"]


def test_several_flattened_images() -> None:
    weight = random(72, 5)
    found = check(
        lambda b, x, y: b.dense(b.concat([b.flatten(x), b.flatten(y)], 1), weight=weight),
        lambda x, y: torch.cat([x.flatten(1), y.flatten(1)], 1) @ torch.tensor(weight),
        (3, 4, 5),
        (2, 2, 3),
    )
    assert found == ["flatten", "flatten", "concat", "dense(5, bias = false)"]


def test_channel_shuffle() -> None:
    def build(b: Builder, x: Value) -> Value:
        y = b.reshape(x, (2, 3, 4, 5))
        return b.reshape(b.transpose(y, (0, 2, 1, 3, 4)), (6, 4, 5))

    found = check(build, lambda x: x.reshape(2, 2, 3, 4, 5).transpose(1, 2).reshape(2, 6, 4, 5), (6, 4, 5))
    assert found == ["reshape(4x5x2x3)", "permute([1, 2, 4, 3])", "reshape(4x5x6)"]


def test_patches_as_a_sequence() -> None:
    """N x C x H x W to N x H*W x C, as in vision transformers, is one reshape."""
    found = check(
        lambda b, x: b.transpose(b.reshape(x, (3, 20)), (0, 2, 1)), lambda x: x.flatten(2).transpose(1, 2), (3, 4, 5)
    )
    assert found == ["reshape(20x3)"]


@pytest.mark.parametrize("new", [(5, 4, 3), (3, 20), (12, 5), (60,), (-1, 2), (3, 2, 2, 5), (1, 3, 4, 5)])
def test_reshape(new: tuple[int, ...]) -> None:
    check(lambda b, x: b.reshape(x, new), lambda x: x.reshape(2, *new), (3, 4, 5))
    check(lambda b, x: b.reshape(b.flatten(x), new), lambda x: x.reshape(2, *new), (3, 4, 5))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ((4, 3, 5), (4, 1, 1)),
        ((4, 3, 5), (1, 3, 5)),
        ((4, 3, 5), (4, 3, 5)),
        ((4, 1, 1), (4, 3, 5)),
        ((4, 3, 5), (1, 1, 1)),
        ((4, 3, 5), (1, 1, 5)),
        ((4, 3, 5), (1, 3, 1)),
    ],
)
def test_mul_broadcasts(first: tuple[int, ...], second: tuple[int, ...]) -> None:
    check(lambda b, x, y: b.mul(x, y), lambda x, y: x * y, first, second)


def test_merges() -> None:
    sizes = (3, 4, 5)
    check(lambda b, x, y: b.sub(x, y), lambda x, y: x - y, sizes, sizes)
    check(lambda b, x, y: b.maximum(x, y), torch.maximum, sizes, sizes)
    check(lambda b, x, y: b.average(x, y), lambda x, y: (x + y) / 2, sizes, sizes)
    check(lambda b, x, y: b.add(x, b.transpose(y, (0, 2, 1, 3))), lambda x, y: x + y.transpose(1, 2), sizes, (4, 3, 5))
    assert "does not broadcast" in reasons(lambda b, x, y: b.add(x, y), sizes, (1, 4, 5))[0]
    for axis in (1, 2, 3, -1):
        check(lambda b, x, y, a=axis: b.concat([x, y], a), lambda x, y, a=axis: torch.cat([x, y], a), sizes, sizes)


def test_scale() -> None:
    sizes = (3, 4, 5)
    channels, steps, table = random(3, 1, 1), random(1, 4, 1), random(3, 4, 5)
    check(lambda b, x: b.scale(x, 2.0, 0.5), lambda x: 2 * x + 0.5, sizes)
    assert check(lambda b, x: b.scale(x, channels), lambda x: x * torch.tensor(channels), sizes)[0].startswith(
        "depthwise"
    )
    check(lambda b, x: b.scale(x, steps, steps), lambda x: (x + 1) * torch.tensor(steps), sizes)
    check(lambda b, x: b.scale(x, 1, table), lambda x: x + torch.tensor(table), sizes)
    vector = random(6)
    check(lambda b, x: b.scale(x, 2.0, vector), lambda x: 2 * x + torch.tensor(vector), (6,))
    assert reasons(lambda b, x: b.scale(x, table), sizes) == [
        "netspec has no layer for a constant factor for each position"
    ]


@pytest.mark.parametrize("axes", [(2, 3), (1,), (3,), (2,), (1, 2, 3), (1, 2)])
@pytest.mark.parametrize("keep", [True, False])
def test_reductions(axes: tuple[int, ...], keep: bool) -> None:
    check(lambda b, x: b.mean(x, axes, keep), lambda x: x.mean(axes, keepdim=keep), (3, 4, 5))
    check(lambda b, x: b.maximum_along(x, axes, keep), lambda x: x.amax(axes, keepdim=keep), (3, 4, 5))


def test_norms() -> None:
    scale, offset = random(6), random(6)
    weights = {"scale": scale, "offset": offset}
    pair = torch.tensor(scale), torch.tensor(offset)
    check(lambda b, x: b.layernorm(x, **weights), lambda x: F.layer_norm(x, (6,), *pair), (4, 6))
    check(
        lambda b, x: b.layernorm(x, axes=(1,), **weights),
        lambda x: F.layer_norm(x.movedim(1, -1), (6,), *pair).movedim(-1, 1),
        (6, 4, 5),
    )
    full = {"scale": random(3, 4, 5), "offset": random(3, 4, 5)}
    check(
        lambda b, x: b.layernorm(x, axes=(1, 2, 3), **full),
        lambda x: F.layer_norm(x, (3, 4, 5), *map(torch.tensor, full.values())),
        (3, 4, 5),
    )
    check(lambda b, x: b.groupnorm(x, groups=2, **weights), lambda x: F.group_norm(x, 2, *pair), (6, 4, 5))
    check(lambda b, x: b.rmsnorm(x, scale=scale), lambda x: F.rms_norm(x, (6,), pair[0], 1e-5), (4, 6))
    check(
        lambda b, x: b.instancenorm(x, **weights),
        lambda x: F.instance_norm(x, weight=pair[0], bias=pair[1]),
        (6, 4, 5),
    )
    check(lambda b, x: b.lrn(x, size=3, alpha=0.1), lambda x: F.local_response_norm(x, 3, 0.1), (6, 4, 5))


def test_dense_of_positions() -> None:
    weight = random(5, 6)
    check(lambda b, x: b.dense(x, weight=weight), lambda x: x @ torch.tensor(weight), (4, 5))
    assert check(
        lambda b, x: b.dense(b.transpose(x, (0, 2, 3, 1)), weight=weight),
        lambda x: x.permute(0, 2, 3, 1) @ torch.tensor(weight),
        (5, 3, 4),
    ) == ["conv(6, 1x1, bias = false)"]


def test_activations() -> None:
    slopes = random(3)
    check(lambda b, x: b.activation(x, words.Prelu(), slopes), lambda x: F.prelu(x, torch.tensor(slopes)), (3, 4, 5))
    one = np.full((1, 1), 0.3, np.float32)
    assert check(lambda b, x: b.activation(x, words.Prelu(), one), lambda x: F.leaky_relu(x, 0.3), (3, 4, 5)) == [
        "prelu"
    ]
    check(lambda b, x: b.softmax(x, 1), lambda x: x.softmax(1), (3, 4, 5))
    check(lambda b, x: b.softmax(x, -1, log=True), lambda x: x.log_softmax(-1), (3, 4, 5))


def test_padding_and_slices() -> None:
    sizes = (3, 4, 5)
    check(lambda b, x: b.pad(x, [(0, 0), (1, 2), (0, 1)]), lambda x: F.pad(x, (0, 1, 1, 2)), sizes)
    check(
        lambda b, x: b.pad(x, [(0, 0), (1, 2), (1, 1)], "reflect"), lambda x: F.pad(x, (1, 1, 1, 2), "reflect"), sizes
    )
    check(lambda b, x: b.pad(x, [(2, 1), (0, 0), (0, 0)]), lambda x: F.pad(x, (0, 0, 0, 0, 2, 1)), sizes)
    check(lambda b, x: b.pad(x, [(0, 0), (-1, 0), (1, -1)]), lambda x: F.pad(x, (1, -1, -1, 0)), sizes)
    check(lambda b, x: b.pad(x, [(2, 1)]), lambda x: F.pad(x, (2, 1)), (6,))
    check(lambda b, x: b.slice(x, 1, 1, 3), lambda x: x[:, 1:3], sizes)
    check(lambda b, x: b.slice(x, 2, -3, 2**63), lambda x: x[:, :, -3:], sizes)
    check(lambda b, x: b.select(x, 1, 2), lambda x: x[:, 2], sizes)
    assert check(lambda b, x: b.select(x, 1, 0), lambda x: x[:, 0], (4, 6)) == ["first"]
    assert check(lambda b, x: b.select(x, 1, -1), lambda x: x[:, -1], (4, 6)) == ["last"]


def test_resize() -> None:
    sizes = (3, 4, 5)
    interpolate = F.interpolate
    assert check(lambda b, x: b.resize(x, factors=(2.0, 2.0)), lambda x: interpolate(x, scale_factor=2), sizes) == [
        "upsample"
    ]
    check(
        lambda b, x: b.resize(x, size=(7, 3), mode="bilinear"),
        lambda x: interpolate(x, (7, 3), mode="bilinear"),
        sizes,
    )
    check(
        lambda b, x: b.resize(x, size=(7, 3), mode="nearest-exact"),
        lambda x: interpolate(x, (7, 3), mode="nearest-exact"),
        sizes,
    )
    assert "not whole" in reasons(lambda b, x: b.resize(x, size=(7, 3)), sizes)[0]


def test_lost_once() -> None:
    """What is computed from something lost is lost, and not reported again."""
    found = reasons(lambda b, x: b.flatten(b.activation(b.pool(x, kernel=2, dilation=2), words.Relu())), (3, 8, 8))
    assert found == ["netspec has no pool with dilation"]


@pytest.mark.parametrize(
    "build",
    [
        lambda b, x: b.conv(x, weight=random(4, 3, 3)),
        lambda b, x: b.conv(x, weight=random(4, 2, 3, 3)),
        lambda b, x: b.conv(x, weight=random(4, 3, 3, 3), stride=0),
        lambda b, x: b.conv(x, weight=random(4, 3, 3, 3), pads=-1, dilation=10**30),
        lambda b, x: b.conv(x, weight=random(4, 3, 3, 3), bias=random(5)),
        lambda b, x: b.pool(x, kernel=(2, 2, 2)),
        lambda b, x: b.pool(x, kernel=20),
        lambda b, x: b.batchnorm(x, scale=random(4), offset=random(3), mean=random(3), variance=random(3)),
        lambda b, x: b.batchnorm(x, epsilon=float("nan")),
        lambda b, x: b.dense(b.flatten(x), weight=random(7, 5)),
        lambda b, x: b.reshape(x, (7, -1)),
        lambda b, x: b.reshape(x, (0, -1)),
        lambda b, x: b.transpose(x, (0, 1, 1, 2)),
        lambda b, x: b.conv(b.transpose(x, (1, 0, 2, 3)), weight=random(4, 3, 3, 3)),
        lambda b, x: b.activation(x, words.LeakyRelu(slope=-1.0)),
        lambda b, x: b.scale(x, random(4, 1, 1)),
        lambda b, x: b.scale(x, random(5, 4, 3, 8, 8)),
        lambda b, x: b.concat([x, b.flatten(x)], 1),
        lambda b, x: b.softmax(x, 0),
        lambda b, x: b.pad(x, [(1, 1)]),
        lambda b, x: b.slice(x, 1, 5, 2),
        lambda b, x: b.squeeze(x, [1]),
        lambda b, x: b.groupnorm(x, groups=5),
    ],
)
def test_impossible(build: Callable[..., Value]) -> None:
    """It is reported with a reason, without a traceback."""
    assert len(reasons(build, (3, 8, 8))) == 1
