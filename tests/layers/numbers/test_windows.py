"""Convolutions, pools and what changes places: numbers and gradients against PyTorch, and against a person's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec

torch = pytest.importorskip("torch")
from torch.nn import functional  # noqa: E402  # after the check that there is a PyTorch

from tests.layers.numbers.test_layers import channels_first, channels_last, close, data, padded, per_axis, spelled  # noqa: E402

pytestmark = pytest.mark.oracle

CONVOLVE = {1: functional.conv1d, 2: functional.conv2d, 3: functional.conv3d}
TRANSPOSED = {1: functional.conv_transpose1d, 2: functional.conv_transpose2d, 3: functional.conv_transpose3d}
AVG_POOL = {1: functional.avg_pool1d, 2: functional.avg_pool2d, 3: functional.avg_pool3d}
MAX_POOL = {1: functional.max_pool1d, 2: functional.max_pool2d, 3: functional.max_pool3d}


def dotted(state: Any) -> dict[str, Any]:
    """Weights by the names on the way to them."""
    return {".".join(map(str, path)): np.asarray(leaf[...]) for path, leaf in nnx.to_flat_state(state)}


def drawn(model: netspec.Model) -> dict[str, Any]:
    """Variables filled with random numbers; the model's own inits would have to be compiled for every shape."""
    module = nnx.eval_shape(lambda: model.module_class(rngs=nnx.Rngs(0)))
    _, params, state = nnx.split(module, nnx.Param, ...)
    return {"params": jax.tree.map(lambda leaf: jnp.asarray(data(leaf.shape, 1)), params), "state": state}


def against(text: str, x: np.ndarray, theirs: Callable[[Any, dict[str, Any]], Any]) -> dict[str, np.ndarray]:
    """Compare a net, and the gradients of a weighted sum of its result, with a PyTorch function of (input, weights).

    The function gets the input with channels first and the weights in our own layout. Returns the weights.
    """
    model = netspec.compile(f"input {'x'.join(map(str, x.shape[1:]))}\n{text}")
    variables = drawn(model)
    weights = dotted(variables["params"])
    inputs = channels_first(x)
    given = {name: torch.tensor(value, requires_grad=True) for name, value in weights.items()}
    wanted = theirs(inputs, given)
    weighting = data(channels_last(wanted).shape, seed=7)
    (wanted * channels_first(weighting).detach()).sum().backward()

    def loss(params: Any, x: Any) -> Any:
        y = model.apply({**variables, "params": params}, x)
        return (y * weighting).sum(), y

    run = jax.jit(jax.value_and_grad(loss, argnums=(0, 1), has_aux=True))
    (_, y), gradients = run(variables["params"], jnp.asarray(x))
    close(y, channels_last(wanted), f"{text}: forward")
    close(gradients[1], channels_last(inputs.grad), f"{text}: input gradient")
    for name, found in dotted(gradients[0]).items():
        close(found, given[name].grad, f"{text}: gradient of {name}")
    return weights


def filters_first(kernel: Any) -> Any:
    """Places x a x b as PyTorch has it: b x a x places."""
    return torch.movedim(kernel, (-1, -2), (0, 1))


# ---------------------------------------------------------------- convolutions

CONVOLUTIONS = [
    ((9, 6), "4", {"groups": 2, "dilation": 2}),
    ((9, 4), "2", {"stride": 3, "pad": "valid", "bias": False}),
    ((3, 5, 2), "5x4", {"stride": 2}),  # same, and larger than the input
    ((10, 7, 2), "2x4", {"stride": (3, 2), "dilation": (2, 1)}),
    ((7, 7, 2), "1x1", {"stride": 2}),
    ((5, 6, 7, 4), "3x2x1", {"groups": 4, "pad": (2, 1, 0), "dilation": (2, 1, 1), "stride": (1, 2, 3)}),
]


def sizes_of(extent: str) -> tuple[int, ...]:
    return tuple(map(int, extent.split("x")))


def torch_conv(kernel: str, options: dict[str, Any], name: str) -> Callable[[Any, dict[str, Any]], Any]:
    """A convolution as PyTorch computes it; with `groups` None each channel has filters of its own."""

    def run(x: Any, weights: dict[str, Any]) -> Any:
        sizes = sizes_of(kernel)
        numbers = {key: per_axis(options.get(key, 1), len(sizes)) for key in ("stride", "dilation")}
        groups = options.get("groups", 1)
        return CONVOLVE[len(sizes)](
            padded(x, sizes, options),
            filters_first(weights[f"{name}.kernel"]),
            weights.get(f"{name}.bias"),
            groups=x.shape[1] if groups is None else groups,
            **numbers,
        )

    return run


@pytest.mark.parametrize(("shape", "kernel", "options"), CONVOLUTIONS)
def test_conv(shape: tuple[int, ...], kernel: str, options: dict[str, Any]) -> None:
    against(f"conv(8, {kernel}{spelled(options)})", data((2, *shape)), torch_conv(kernel, options, "conv"))


DEPTHWISE = [
    ((9, 4), "3", {}),
    ((9, 7, 4), "3x3", {"stride": 2, "pad": 1, "multiplier": 2}),
    ((9, 8, 3), "5x2", {"stride": (1, 2), "multiplier": 3, "bias": False}),
    ((9, 7, 4), "3x3", {"dilation": 2, "pad": "valid"}),
    ((5, 4, 6, 2), "3x2x3", {"multiplier": 2, "pad": (1, 0, 1)}),
]


@pytest.mark.parametrize(("shape", "kernel", "options"), DEPTHWISE)
def test_depthwise(shape: tuple[int, ...], kernel: str, options: dict[str, Any]) -> None:
    theirs = torch_conv(kernel, {**options, "groups": None}, "depthwise")
    weights = against(f"depthwise({kernel}{spelled(options)})", data((2, *shape)), theirs)
    filters = shape[-1] * options.get("multiplier", 1)
    assert weights["depthwise.kernel"].shape == (*sizes_of(kernel), 1, filters)


SEPARABLE = [
    ((9, 4), "3", {"stride": 2, "multiplier": 2}),
    ((9, 7, 3), "3x3", {"bias": False}),
    ((9, 8, 3), "3x5", {"pad": 1, "stride": (2, 1), "multiplier": 3}),
    ((4, 5, 6, 2), "2x3x2", {"dilation": (1, 2, 1)}),
]


@pytest.mark.parametrize(("shape", "kernel", "options"), SEPARABLE)
def test_separable(shape: tuple[int, ...], kernel: str, options: dict[str, Any]) -> None:
    axes = len(shape) - 1

    def theirs(x: Any, weights: dict[str, Any]) -> Any:
        between = torch_conv(kernel, {**options, "groups": None}, "depthwise")(x, weights)
        pointwise = torch_conv("x".join("1" * axes), {"bias": options.get("bias", True)}, "pointwise")
        return functional.relu(pointwise(between, weights))

    weights = against(f"separable(5, {kernel}, relu{spelled(options)})", data((2, *shape)), theirs)
    between = shape[-1] * options.get("multiplier", 1)
    wanted = {"depthwise.kernel": (*sizes_of(kernel), 1, between), "pointwise.kernel": (*(1,) * axes, between, 5)}
    if options.get("bias", True):
        wanted["pointwise.bias"] = (5,)
    assert {name: value.shape for name, value in weights.items()} == wanted


UPCONVS = [
    ((5, 3), "4", {"stride": 3, "pad": 1, "output_pad": 1}),
    ((4, 5, 3), "2x2", {}),
    ((4, 5, 3), "4x4", {"pad": 1}),
    ((4, 5, 3), "3x3", {"pad": 1, "output_pad": 1}),
    ((4, 5, 3), "5x2", {"stride": (2, 1), "pad": (1, 0), "output_pad": (1, 0), "bias": False}),
    ((4, 5, 3), "1x3", {"stride": 3, "pad": "valid", "output_pad": (0, 2)}),
    ((4, 5, 3), "3x2", {"stride": 1, "dilation": (1, 3), "pad": (0, 1)}),
    ((7, 8, 3), "3x3", {"stride": 1, "pad": 3}),  # more than the kernel: what comes out is cut
    ((3, 4, 2, 3), "3x2x4", {"stride": (2, 3, 1), "pad": (1, 0, 2)}),
]


@pytest.mark.parametrize(("shape", "kernel", "options"), UPCONVS)
def test_upconv(shape: tuple[int, ...], kernel: str, options: dict[str, Any]) -> None:
    sizes = sizes_of(kernel)
    axes = len(sizes)
    given = {"stride": 2, "pad": 0, **options}
    pad = 0 if given["pad"] == "valid" else given["pad"]

    def theirs(x: Any, weights: dict[str, Any]) -> Any:
        return TRANSPOSED[axes](
            x,
            filters_first(weights["upconv.kernel"]),
            weights.get("upconv.bias"),
            stride=per_axis(given["stride"], axes),
            padding=per_axis(pad, axes),
            output_padding=per_axis(given.get("output_pad", 0), axes),
            dilation=per_axis(given.get("dilation", 1), axes),
        )

    spelled_options = spelled({"pad": "valid", **options})
    weights = against(f"upconv(6, {kernel}{spelled_options})", data((2, *shape)), theirs)
    assert weights["upconv.kernel"].shape == (*sizes, 6, shape[-1])


@pytest.mark.parametrize(("kernel", "stride"), [(1, 2), (2, 1), (2, 2), (2, 3), (3, 2), (4, 2), (5, 2), (4, 3)])
def test_upconv_same_is_the_gradient_of_a_same_convolution(kernel: int, stride: int) -> None:
    """`pad = same` gives n * stride places: the input gradient of the convolution that comes from there to n."""

    def theirs(x: Any, weights: dict[str, Any]) -> Any:
        wide = torch.zeros(2, 2, 4 * stride, requires_grad=True)
        down = padded(wide, (kernel,), {"stride": stride})
        y = functional.conv1d(down, filters_first(weights["upconv.kernel"]), stride=stride)
        return torch.autograd.grad(y, wide, x, create_graph=True)[0]

    against(f"upconv(2, {kernel}, stride = {stride}, bias = false)", data((2, 4, 3)), theirs)


def test_upconv_lays_its_kernel_on_the_output() -> None:
    model = netspec.compile("input 1x2x1\nupconv(1, weights = [[1, 2], [3, 4]])")
    assert model(jnp.array([[[[1.0], [10]]]]))[0, :, :, 0].tolist() == [[1, 2, 10, 20], [3, 4, 30, 40]]


def test_what_they_cost() -> None:
    """Weights and multiply-adds, counted by hand."""
    for call, parameters, macs in [
        ("depthwise(3, stride = 2, multiplier = 2)", 9 * 8 + 8, 9 * 8 * 4 * 3),
        ("separable(5, multiplier = 2)", 9 * 8 + 8 * 5 + 5, (9 * 8 + 8 * 5) * 8 * 6),
        ("upconv(5)", 4 * 4 * 5 + 5, 4 * 4 * 5 * 8 * 6),
        ("conv(6, 3, groups = 2, bias = false)", 9 * 2 * 6, 9 * 2 * 6 * 8 * 6),
        ("upsample(2, bilinear)", 0, 0),
    ]:
        cost = netspec.compile(f"input 8x6x4\n{call}").cost
        assert (cost.trainable, cost.macs) == (parameters, macs), call


def test_separable_hands_its_options_on() -> None:
    model = netspec.compile('input 8x8x3\nseparable(5, init = ones, bias_init = ones, frozen = true, name = "stem")')
    assert (model.cost.trainable, model.cost.frozen) == (0, 9 * 3 + 3 * 5 + 5)
    weights = dotted(nnx.state(model.module))
    assert set(weights) == {"stem_depthwise.kernel", "stem_pointwise.kernel", "stem_pointwise.bias"}
    assert all((value == 1).all() for value in weights.values())
    penalties = [(row.node.operation.l1, row.node.operation.l2) for row in both_kernels("l1 = 0.1, l2 = 0.2")]
    assert penalties == [(0.1, 0.2)] * 2
    assert [row.node.operation.dtype for row in both_kernels("dtype = bf16")] == ["bf16"] * 2


def both_kernels(options: str) -> Any:
    return netspec.compile(f"input 8x8x3\nseparable(5, {options})").layers


# ---------------------------------------------------------------- pools

SAME_POOLS = [
    ((9, 3), "3", {}),
    ((8, 7, 3), "3x2", {"stride": 2}),
    ((2, 9, 3), "5", {"stride": 2}),  # a window larger than the input
    ((5, 6, 7, 2), "3x2x2", {"stride": (2, 1, 3)}),
]


@pytest.mark.parametrize("word", ["maxpool", "avgpool", "avgpool, count_pad"])
@pytest.mark.parametrize(("shape", "window", "options"), SAME_POOLS)
def test_pools_with_same_padding(shape: tuple[int, ...], window: str, options: dict[str, Any], word: str) -> None:
    """PyTorch pools what a person has padded: with the smallest number, or with zeros that count or do not."""
    axes = len(shape) - 1
    sizes = sizes_of(window) if "x" in window else per_axis(int(window), axes)
    stride = per_axis(options.get("stride", sizes), axes)
    name, _, count_pad = word.partition(", ")

    def theirs(x: Any, _: dict[str, Any]) -> Any:
        around = padded(x, sizes, {"stride": stride})
        inside = padded(torch.ones_like(x), sizes, {"stride": stride})
        if name == "maxpool":
            return MAX_POOL[axes](torch.where(inside > 0, around, -torch.inf), sizes, stride)
        mean = AVG_POOL[axes](around, sizes, stride)
        return mean if count_pad else mean / AVG_POOL[axes](inside, sizes, stride)

    more = ", count_pad = true" if count_pad else ""
    against(f"{name}({window}, pad = same{spelled(options)}{more})", data((2, *shape)) - 2, theirs)


@pytest.mark.parametrize("word", ["maxpool", "avgpool"])
@pytest.mark.parametrize(
    ("shape", "places"),
    [
        ((9, 3), (4,)),
        ((9, 8, 3), (3, 4)),  # plain windows
        ((7, 5, 3), (1, 5)),
        ((2, 3, 3), (5, 4)),  # more than there are: places are repeated
        ((13, 11, 2), (6, 7)),
        ((5, 6, 7, 2), (2, 3, 4)),
    ],
)
def test_adaptive_pools(shape: tuple[int, ...], places: tuple[int, ...], word: str) -> None:
    pool = getattr(functional, f"adaptive_{word[:3]}_pool{len(places)}d")
    x = data((2, *shape))
    against(f"{word}(to = {'x'.join(map(str, places))})", x, lambda inputs, _: pool(inputs, places))


@pytest.mark.parametrize("shape", [(7, 3), (5, 6, 3), (3, 4, 2, 3)])
def test_global_pools(shape: tuple[int, ...]) -> None:
    x = data((2, *shape))
    axes = tuple(range(2, len(shape) + 1))
    against("gmp", x, lambda inputs, _: inputs.amax(axes))
    against("gmp(keep = true)", x, lambda inputs, _: inputs.amax(axes, keepdim=True))
    against("gap(keep = true)", x, lambda inputs, _: inputs.mean(axes, keepdim=True))


# ---------------------------------------------------------------- resizing


@pytest.mark.parametrize(
    ("shape", "factor", "method", "theirs"),
    [
        ((5, 2), "3", "nearest", "nearest"),
        ((4, 5, 2), "2x3", "nearest", "nearest"),
        ((3, 2, 4, 2), "2x1x3", "nearest", "nearest"),
        ((5, 2), "3", "bilinear", "linear"),
        ((4, 5, 2), "2x3", "bilinear", "bilinear"),
        ((3, 2, 4, 2), "2x1x3", "bilinear", "trilinear"),
        ((4, 5, 2), "3x2", "bicubic", "bicubic"),
    ],
)
def test_upsample(shape: tuple[int, ...], factor: str, method: str, theirs: str) -> None:
    factors = per_axis(sizes_of(factor), len(shape) - 1) if "x" in factor else (int(factor),)
    corners = {} if theirs == "nearest" else {"align_corners": False}
    text = f"upsample({factor}, {method})"
    scale = tuple(map(float, factors))
    x = data((2, *shape))
    against(text, x, lambda inputs, _: functional.interpolate(inputs, scale_factor=scale, mode=theirs, **corners))


RESIZES = [
    ((7,), (3,)),
    ((9, 7), (4, 13)),
    ((5, 3), (1, 2)),
    ((4, 5, 6), (7, 5, 2)),
]


@pytest.mark.parametrize(("space", "size"), RESIZES)
@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_resize(space: tuple[int, ...], size: tuple[int, ...], method: str) -> None:
    linear = {1: "linear", 2: "bilinear", 3: "trilinear"}[len(size)]
    mode: dict[str, Any] = (
        {"mode": "nearest-exact"} if method == "nearest" else {"mode": linear, "align_corners": False}
    )
    extent = "x".join(map(str, size))
    x = data((2, *space, 2))
    against(f"resize({extent}, {method})", x, lambda inputs, _: functional.interpolate(inputs, size, **mode))


def cubic(x: Any, size: tuple[int, ...], antialias: bool = False) -> Any:
    return functional.interpolate(x, size, mode="bicubic", align_corners=False, antialias=antialias)


@pytest.mark.parametrize(("space", "size"), [r for r in RESIZES if len(r[0]) == 2])
def test_resize_bicubic(space: tuple[int, ...], size: tuple[int, ...]) -> None:
    against(f"resize({size[0]}x{size[1]}, bicubic)", data((2, *space, 2)), lambda x, _: cubic(x, size))


def test_resize_bicubic_of_other_ranks() -> None:
    """One axis after the other, each as part of an image."""
    against("resize(5, bicubic)", data((2, 8, 3)), lambda x, _: cubic(x[..., None], (5, 1))[..., 0])

    def volume(x: Any, _: dict[str, Any]) -> Any:
        deep = cubic(x.reshape(2, 3, 4, 30), (6, 30)).reshape(2, 3, 6, 5, 6)
        return cubic(deep.reshape(2, 18, 5, 6), (3, 7)).reshape(2, 3, 6, 3, 7)

    against("resize(6x3x7, bicubic)", data((2, 4, 5, 6, 3)), volume)


@pytest.mark.parametrize("method", ["bilinear", "bicubic"])
@pytest.mark.parametrize(("space", "size"), [r for r in RESIZES if len(r[0]) == 2])
def test_resize_with_antialias(space: tuple[int, ...], size: tuple[int, ...], method: str) -> None:
    x = data((2, *space, 2))
    options: dict[str, Any] = {"mode": method, "align_corners": False, "antialias": True}
    text = f"resize({size[0]}x{size[1]}, {method}, antialias = true)"
    against(text, x, lambda inputs, _: functional.interpolate(inputs, size, **options))


# ---------------------------------------------------------------- cropping, padding, axes


@pytest.mark.parametrize(
    ("shape", "call", "wanted"),
    [
        ((9, 3), "crop(4)", np.s_[:, 2:6]),  # of an odd number one more goes from behind
        ((9, 8, 3), "crop(3)", np.s_[:, 3:6, 2:5]),
        ((9, 8, 3), "crop(margin = 2)", np.s_[:, 2:7, 2:6]),
        ((9, 8, 3), "crop(margin = 1x0)", np.s_[:, 1:8]),
        ((9, 8, 3), "crop(margin = [[0, 3], [2, 1]])", np.s_[:, 0:6, 2:7]),
        ((5, 6, 7, 2), "crop(4x3x2)", np.s_[:, 0:4, 1:4, 2:4]),
    ],
)
def test_crop(shape: tuple[int, ...], call: str, wanted: Any) -> None:
    x = data((2, *shape))
    against(call, x, lambda inputs, _: inputs.movedim(1, -1)[wanted].movedim(-1, 1))


def test_crop_to_the_second_tensor() -> None:
    text = "(identity | maxpool(3, stride = 2)) -> crop"
    against(text, data((2, 9, 8, 3)), lambda inputs, _: inputs[:, :, 2:6, 2:5])


def test_resize_to_the_second_tensor() -> None:
    def theirs(x: Any, _: dict[str, Any]) -> Any:
        return functional.interpolate(functional.max_pool2d(x, 2), (9, 8), mode="bilinear", align_corners=False)

    against("(maxpool(2, ceil = false) | identity) -> resize", data((2, 9, 8, 3)), theirs)


@pytest.mark.parametrize(
    ("shape", "call", "pairs", "options"),
    [
        ((5, 3), "pad([[2, 0]])", [(2, 0)], {}),
        ((5, 4, 3), "pad(1)", [(1, 1), (1, 1)], {}),
        ((5, 4, 3), "pad(1x2, value = -3)", [(1, 1), (2, 2)], {"value": -3}),
        ((5, 4, 3), "pad([[0, 2], [3, 1]], mode = reflect)", [(0, 2), (3, 1)], {"mode": "reflect"}),
        ((5, 4, 3), "pad([[0, 6], [3, 1]], mode = edge)", [(0, 6), (3, 1)], {"mode": "replicate"}),
        ((5, 4, 3), "pad(4, mode = wrap)", [(4, 4), (4, 4)], {"mode": "circular"}),
        ((3, 4, 2, 3), "pad(1, mode = reflect)", [(1, 1), (1, 1), (1, 1)], {"mode": "reflect"}),
    ],
)
def test_pad(shape: tuple[int, ...], call: str, pairs: list[tuple[int, int]], options: dict[str, Any]) -> None:
    flat = [number for pair in reversed(pairs) for number in pair]
    against(call, data((2, *shape)), lambda inputs, _: functional.pad(inputs, flat, **options))


@pytest.mark.parametrize(
    ("shape", "order"), [((5, 3), [2, 1]), ((4, 5, 3), [3, 1, 2]), ((4, 5, 3), [2, 1, 3]), ((2, 3, 4, 5), [4, 2, 1, 3])]
)
def test_permute(shape: tuple[int, ...], order: list[int]) -> None:
    def theirs(inputs: Any, _: dict[str, Any]) -> Any:
        return inputs.movedim(1, -1).permute(0, *order).movedim(-1, 1)

    against(f"permute({order})", data((2, *shape)), theirs)


def test_permute_ends_a_mask() -> None:
    """Its steps are other ones, though as many."""
    text = "input text: 4 tokens(9, pad = 0)\nembedding(4) -> permute([2, 1]) -> mean_pool"
    assert [d.code for d in netspec.check(text)] == ["NS357"]


# ---------------------------------------------------------------- sizes that are not known


@pytest.mark.parametrize(
    "call",
    [
        "depthwise(3, stride = 2)",
        "upconv(3, 3, stride = 2, pad = 1, output_pad = 1)",
        "maxpool(to = 4x3)",
        "avgpool(to = 3)",
        "upsample(2x3)",
        "upsample(2, bilinear)",
        "resize(6x5)",
        "(conv(2, stride = 2, pad = 1) | identity) -> resize",
        "(identity | conv(2, pad = valid)) -> crop",
        "crop(5x4)",
        "crop(margin = [[1, 0], [0, 2]])",
        "pad(1x2, mode = edge)",
        "permute([2, 1, 3])",
    ],
)
def test_unknown_sizes(call: str) -> None:
    """The model for any size computes what the model for this size does, and has the shape that the formulas say."""
    free, known = (netspec.compile(f"input {shape}\n{call}") for shape in ("(H, W, 2)", "9x7x2"))
    x = data((2, 9, 7, 2))
    variables = drawn(known)
    wanted = known.apply(variables, x)
    close(free.apply(variables, x), wanted, call)
    found = tuple(eval(str(size), {"H": 9, "W": 7}) for size in free.outputs["output"].sizes)
    assert found == known.outputs["output"].sizes == wanted.shape[1:]
