"""Networks of Caffe compute what PyTorch computes from the same layers, and what cannot be read is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from netspec.interchange.formats import READERS
from netspec.interchange.imports import Imported, import_model
from netspec.language.diagnostics import CompileError
from tests.interchange.reading.caffe_nets import NETS, CaffeNet, alexnet, bytes_field, varint
from tests.interchange.reading.compared import assert_equal, channels_last


def check(net: CaffeNet, folder: Path, **options: bool) -> Imported:
    """Read a network, and compare its only output with that of PyTorch."""
    text, weights = net.write(folder, **options)
    found = import_model(text, weights=weights)
    (y,) = found.model.predictions(channels_last(net.input.numpy())).values()
    assert_equal(y, net.values[net.last])
    return found


SLOW = {"alexnet", "vgg16", "googlenet", "mobilenet"}
"""Networks that take long: they are tested with `--long`."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is test_networks:
        metafunc.parametrize("name", [n for n in NETS if metafunc.config.getoption("--long") or n not in SLOW])


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


# ---------------------------------------------------------------- files


@pytest.mark.parametrize(
    "options", [{"is_packed": False}, {"is_double": True}, {"is_packed": False, "is_double": True}]
)
def test_numbers_of_a_caffemodel(options: dict[str, bool], tmp_path: Path) -> None:
    """They are packed or not, in single or double precision."""
    net = CaffeNet(2, 5, 5)
    net.conv(3, 3)
    check(net, tmp_path, **options)


def test_fields_that_are_not_known_are_skipped(tmp_path: Path) -> None:
    net = CaffeNet(2, 5, 5)
    net.conv(3, 3)
    text, weights = net.write(tmp_path)
    more = varint(9000 << 3) + varint(2**40) + varint(9001 << 3 | 5) + b"abcd" + varint(9002 << 3 | 1) + b"abcdefgh"
    weights.write_bytes(bytes_field(1, b"name") + more + weights.read_bytes())
    assert import_model(text, weights=weights).has_weights


def read_text(text: str, folder: Path, net: CaffeNet | None = None) -> Imported:
    path, weights = folder / "net.prototxt", folder / "net.caffemodel"
    path.write_text(text)
    if net is not None:
        weights.write_bytes(net.caffemodel())
    return import_model(path, weights=weights if net is not None else False)


HEAD = 'input: "data" input_shape { dim: 1 dim: 3 dim: 8 dim: 8 }\n'


def problems(text: str, folder: Path, net: CaffeNet | None = None) -> list[tuple[str, str, int | None]]:
    """The code, the message with its hint, and the line of each problem."""
    with pytest.raises(CompileError) as caught:
        read_text(text, folder, net)
    return [
        (p.code, f"{p.message}; {p.hint_text}", p.span.first.line if p.span else None) for p in caught.value.diagnostics
    ]


def only(text: str, folder: Path, net: CaffeNet | None = None) -> tuple[str, str, int | None]:
    (found,) = problems(text, folder, net)
    return found


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        (HEAD + "layer { name: 'a'", "`layer {` is not closed", 2),
        (HEAD + "\nlayer { name: 'a }\n", "a text without its closing quote in line 3", 3),
        (HEAD + "layer = 3", "unexpected `=`", 2),
        (HEAD + "layer { name }", "`name` has no value", 2),
        (HEAD + "} ", "`}` is not the name of a field", 2),
        (HEAD + "layer { name: 'a' }", "has no type", 2),
        (HEAD + "layer { a { " * 40, "more than 32 messages", 2),
        (HEAD + "layer: 3", "not a message", 2),
        ("", "it has no layers that predict something", None),
        ("input: 'data' input_dim: 3", "sizes of its inputs (data) are not complete", 1),
        (HEAD + HEAD + "layer { type: 'ReLU' bottom: 'data' top: 'a' }", "there are two inputs `data`", 1),
        (HEAD + "layer { name: 'a' type: 'ReLU' bottom: 'dat' top: 'a' }", "reads `dat`, which no layer", 2),
        (HEAD + "layer { name: 'a' type: 'ReLU' bottom: 'data' }", "has 0 tops, and gives 1", 2),
        (HEAD + "layer { name: 'a' type: 'ReLU' top: 'a' }", "has 0 bottoms, where it needs 1", 2),
        (HEAD + "layers { layer { type: 'conv' } }", "from before 2014", 2),
        (HEAD + "layers { type: CONVULUTION }", "`type` in line 2 is `CONVULUTION`", 2),
    ],
)
def test_damaged_prototxt(text: str, reason: str, line: int | None, tmp_path: Path) -> None:
    code, message, found = only(text, tmp_path)
    assert code == "NS570"
    assert reason in message
    assert found == line


def conv(options: str) -> str:
    return f"{HEAD}layer {{ name: 'c' type: 'Convolution' bottom: 'data' top: 'c'\nconvolution_param {{ {options} }} }}"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ("num_output: 0 kernel_size: 3", "`num_output` in line 3 is `0`, not an integer from 1 on"),
        ("num_output: 1e3 kernel_size: 3", "`num_output` in line 3 is `1e3`"),
        ("num_output: 99999999999 kernel_size: 3", "`num_output` in line 3 is `99999999999`"),
        ("num_output: 4 kernel_size: 3 kernel_size: 3 kernel_size: 3", "`kernel_size` has 3 numbers"),
        ("num_output: 4", "`kernel_size` has 0 numbers"),
        ("num_output: 4 kernel_h: 3", "`kernel_h` and `kernel_w` belong together"),
        ("kernel_size: 3", "layer `c` has no `num_output`"),
        ("num_output: 4 kernel_size: 3 bias_term: maybe", "is `maybe`, not `true` or `false`"),
        ("num_output { }", "`num_output` in line 3 is a message, not a value"),
    ],
)
def test_wrong_values(options: str, reason: str, tmp_path: Path) -> None:
    code, message, line = only(conv(options), tmp_path)
    assert code == "NS570"
    assert reason in message
    assert line in (2, 3)


def test_everything_that_cannot_be_said_is_reported_once(tmp_path: Path) -> None:
    """Each at its line; what is computed from it is not reported."""
    layers = [
        "layer { name: 'a' type: 'Convolutoin' bottom: 'data' top: 'a' }",
        "layer { name: 'b' type: 'ReLU' bottom: 'a' top: 'b' }",
        "layer { name: 'c' type: 'Exp' bottom: 'data' top: 'c' }",
        "layer { name: 'd' type: 'LRN' bottom: 'data' top: 'd' lrn_param { norm_region: WITHIN_CHANNEL } }",
        "layer { name: 'e' type: 'Pooling' bottom: 'data' top: 'e' pooling_param { pool: STOCHASTIC kernel_size: 2 } }",
        "layer { name: 'f' type: 'Power' bottom: 'data' top: 'f' power_param { power: 0.5 } }",
        "layer { name: 'g' type: 'ReLU' bottom: 'data' top: 'g' relu_param { negative_slop: 0.5 } }",
        "layer { name: 'h' type: 'Pooling' bottom: 'data' top: 'h' pooling_param { kernel_size: 9 } }",
    ]
    found = problems(HEAD + "\n".join(layers), tmp_path)
    assert [(code, line) for code, _, line in found] == [("NS571", line) for line in (2, 4, 5, 6, 7, 8, 9)]
    assert "did you mean `Convolution`?" in found[0][1]
    assert "did you mean `negative_slope`?" in found[5][1]


def test_types_that_change_the_layout_are_reported(tmp_path: Path) -> None:
    layers = [
        "layer { name: 'a' type: 'Convolution' bottom: 'data' top: 'a' "
        "convolution_param { num_output: 4 kernel_size: 1 group: 2 } }",
        "layer { name: 'b' type: 'Slice' bottom: 'data' top: 'b' top: 'c' slice_param { slice_point: 3 } }",
        "layer { name: 'd' type: 'Slice' bottom: 'data' top: 'd' top: 'e' }",
        "layer { name: 'f' type: 'Reshape' bottom: 'data' top: 'f' reshape_param { shape { dim: 0 dim: 7 } } }",
        "layer { name: 'g' type: 'Permute' bottom: 'data' top: 'g' permute_param { order: [1, 0, 2, 3] } }",
        "layer { name: 'h' type: 'Concat' bottom: 'data' bottom: 'data' top: 'h' concat_param { axis: 0 } }",
        "layer { name: 'i' type: 'Eltwise' bottom: 'data' bottom: 'data' top: 'i' eltwise_param { coeff: 2 } }",
        "layer { name: 'j' type: 'Interp' bottom: 'data' top: 'j' interp_param { height: 16 width: 16 } }",
    ]
    found = problems(HEAD + "\n".join(layers), tmp_path)
    assert [(code, line) for code, _, line in found] == [("NS571", line) for line in range(2, 10)]


def test_wrong_weights(tmp_path: Path) -> None:
    net = CaffeNet(3, 8, 8)
    net.conv(4, 3, name="c")
    net.conv(4, 3, name="d")
    more = "convolution_param { num_output: 4 kernel_size: 3 }"
    line = f"\nlayer {{ name: 'd' type: 'Convolution' bottom: 'c' top: 'd' {more} }}"
    code, message, found = only(conv("num_output: 5 kernel_size: 3") + line, tmp_path, net)
    assert (code, found) == ("NS570", 2)
    assert "the kernel of layer `c` is 4 x 3 x 3 x 3, where the prototxt says 5 x 3 x 3 x 3" in message
    del net.weights["d"], net.weights["c"]
    net.weights["other"] = []
    code, message, _ = only(conv("num_output: 4 kernel_size: 3") + line, tmp_path, net)
    assert code == "NS575"
    assert "for 2 layers: c, d" in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it has no layers"),
        (b"\x00\x01", "byte 0 does not begin a field"),
        (b"\x0b\x0c", "which is not in use"),
        (bytes_field(100, b"abc")[:-1], "field 100 has 3 bytes, and 2 are left"),
        (b"\xff" * 20, "has more than 10 bytes"),
        (bytes_field(100, bytes_field(7, bytes_field(5, b"abc"))), "has not 4 bytes each"),
        (
            bytes_field(100, bytes_field(1, b"c") + bytes_field(7, bytes_field(7, bytes_field(1, b"\x02\x02")))),
            "layer `c`, blob 0: 0 numbers in the shape 2 x 2",
        ),
        (bytes_field(100, bytes_field(1, b"\xff")), "a text is not in UTF-8"),
    ],
)
def test_damaged_caffemodel(content: bytes, reason: str, tmp_path: Path) -> None:
    text, weights = tmp_path / "net.prototxt", tmp_path / "net.caffemodel"
    text.write_text(conv("num_output: 4 kernel_size: 3"))
    weights.write_bytes(content)
    with pytest.raises(CompileError) as caught:
        import_model(text, weights=weights)
    (problem,) = caught.value.diagnostics
    assert problem.code == "NS570"
    assert reason in problem.message


def test_files_that_are_not_there(tmp_path: Path) -> None:
    for source in (tmp_path / "no.prototxt", tmp_path):
        with pytest.raises(CompileError, match="NS570"):
            import_model(source, format="caffe")
    with pytest.raises(CompileError, match="it is not a file"):
        import_model(3, format="caffe")
    (tmp_path / "net.prototxt").write_bytes(b"\xff\xfe")
    with pytest.raises(CompileError, match="it is not text in UTF-8"):
        import_model(tmp_path / "net.prototxt")


def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    """Whatever is in the files: only `CompileError` is raised."""
    rng, net = np.random.default_rng(0), alexnet()
    text, weights = net.write(tmp_path)
    reader = READERS["caffe"]
    results = set()
    for path, other in ((text, None), (weights, text)) * 30:
        content = bytearray(path.read_bytes())
        original, start = bytes(content), int(rng.integers(min(len(content), 4000)))
        if rng.random() < 0.3:
            del content[start:]
        else:
            content[start : start + int(rng.integers(20))] = rng.bytes(int(rng.integers(8)))
        path.write_bytes(content)
        try:
            results.add(bool(reader.read(text, None if other is None else weights).sketch.problems.errors))
        except CompileError as error:
            results.add(error.diagnostics[0].code)
        path.write_bytes(original)
    assert "NS570" in results


# ---------------------------------------------------------------- phases, inputs, losses

TRAINING = """
name: "LeNet"
layer { name: "mnist" type: "Data" top: "data" top: "label" include { phase: TRAIN }
        transform_param { scale: 0.00390625 crop_size: 20 mean_value: 3 } data_param { source: "x" batch_size: 64 } }
layer { name: "mnist" type: "Data" top: "data" top: "label" include { phase: TEST }
        transform_param { crop_size: 12 mean_value: 3 } data_param { source: "y" batch_size: 100 } }
layer { name: "noise" type: "Python" bottom: "data" top: "data" include { phase: TRAIN } }
layer { name: "stage" type: "Python" bottom: "data" top: "data" include { stage: "extra" } }
layer { name: "not" type: "Python" bottom: "data" top: "data" exclude { phase: TEST } }
layer { name: "conv1" type: "Convolution" bottom: "data" top: "conv1" param { lr_mult: 1 }
        convolution_param { num_output: 4 kernel_size: 5 weight_filler { type: "xavier" } } }
layer { name: "ip" type: "InnerProduct" bottom: "conv1" top: "ip" inner_product_param { num_output: 10 } }
layer { name: "accuracy" type: "Accuracy" bottom: "ip" bottom: "label" top: "accuracy" include { phase: TEST } }
layer { name: "loss" type: "SoftmaxWithLoss" bottom: "ip" bottom: "label" top: "loss" }
"""


def test_a_prototxt_of_a_training(tmp_path: Path) -> None:
    """The network of the phase TEST, without its loss."""
    found = read_text(TRAINING, tmp_path)
    assert [str(shape) for shape in found.model.inputs.values()] == ["12x12x1"]
    assert {name: str(shape) for name, shape in found.model.outputs.items()} == {"output": "10"}
    assert "softmax" in found.text
    assert [p.code for p in found.warnings] == ["NS572", "NS572"]


def test_a_loss_and_a_softmax_of_the_same_are_one_output(tmp_path: Path) -> None:
    found = read_text(TRAINING + 'layer { name: "prob" type: "Softmax" bottom: "ip" top: "prob" }', tmp_path)
    assert list(found.model.outputs) == ["output"]


@pytest.mark.parametrize(
    ("loss", "word"), [("SigmoidCrossEntropyLoss", "sigmoid"), ("EuclideanLoss", ""), ("HingeLoss", "")]
)
def test_losses(loss: str, word: str, tmp_path: Path) -> None:
    found = read_text(TRAINING.replace("SoftmaxWithLoss", loss), tmp_path)
    assert str(found.model.outputs["output"]) == "10"
    assert "softmax" not in found.text
    assert word in found.text


def test_an_input_without_a_size(tmp_path: Path) -> None:
    code, message, line = only(TRAINING.replace("crop_size: 12", ""), tmp_path)
    assert (code, line) == ("NS570", 5)
    assert "the size of its input `data` is not in it" in message
    assert "deployment" in message


@pytest.mark.parametrize(
    ("data", "shape"),
    [
        ('type: "Input" top: "x" input_param { shape { dim: 1 dim: 3 dim: 6 dim: 5 } }', "6x5x3"),
        ('type: "MemoryData" top: "x" top: "label" memory_data_param { channels: 2 height: 6 width: 5 }', "6x5x2"),
        ('type: "DummyData" top: "x" dummy_data_param { num: 9 channels: 2 height: 6 width: 5 }', "6x5x2"),
        ('type: "ImageData" top: "x" top: "label" image_data_param { new_height: 6 new_width: 5 }', "6x5x3"),
        ('type: "ImageData" top: "x" image_data_param { new_height: 6 new_width: 5 is_color: false }', "6x5x1"),
        ('type: "WindowData" top: "x" top: "y" window_data_param { crop_size: 6 }', "6x6x3"),
    ],
)
def test_inputs(data: str, shape: str, tmp_path: Path) -> None:
    layers = f'layer {{ name: "d" {data} }}\nlayer {{ name: "r" type: "ReLU" bottom: "x" top: "r" }}'
    assert [str(found) for found in read_text(layers, tmp_path).model.inputs.values()] == [shape]


def test_several_inputs_and_outputs(tmp_path: Path) -> None:
    """Names that the language does not have are changed; an input that no layer reads is left out."""
    inputs = "".join(
        f'input: "{name}" input_shape {{ dim: 1 dim: 3 dim: 8 dim: 8 }}\n' for name in ("left/x", "param", "unread")
    )
    layers = [
        'layer { name: "a" type: "ReLU" bottom: "left/x" top: "1st" }',
        'layer { name: "b" type: "TanH" bottom: "param" top: "relu" }',
    ]
    found = read_text(inputs + "\n".join(layers), tmp_path)
    assert list(found.model.inputs) == ["left_x", "param_1"]
    assert list(found.model.outputs) == ["x_1st", "relu_1"]
    x = np.ones((1, 8, 8, 3), np.float32)
    y = found.model.predictions(-x, x)
    assert np.asarray(y["x_1st"]).max() == 0
    assert np.allclose(np.asarray(y["relu_1"]), np.tanh(1))


def test_weights_that_are_shared_by_name(tmp_path: Path) -> None:
    """A caffemodel has them twice; a warning says that they are separate."""
    net = CaffeNet(3, 8, 8)
    for name in ("a", "b"):
        net.conv(3, 3, pad=1, name=name)
        net.lines[-1] = net.lines[-1].replace(" convolution_param", ' param { name: "w" } convolution_param')
    (warning,) = check(net, tmp_path).warnings
    assert warning.code == "NS572"
    assert "`b (Convolution)` is not imported: its weights are those of another layer" in warning.message


# ---------------------------------------------------------------- solvers

SOLVER = """
net: "examples/mnist/net.prototxt"
base_lr: 0.01 momentum: 0.9 weight_decay: 0.0005
max_iter: 10000 snapshot: 5000 solver_mode: GPU
"""


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ('lr_policy: "fixed"', None),
        ('lr_policy: "step" gamma: 0.1 stepsize: 1000', "step(1000 steps, 0.1)"),
        ('lr_policy: "multistep" gamma: 0.5 stepvalue: 100 stepvalue: 200', "multistep([100 steps, 200 steps], 0.5)"),
        ('lr_policy: "exp" gamma: 0.99', "exponential(0.99, every = 1 steps)"),
        ('lr_policy: "poly" power: 2', "polynomial(power = 2, length = 10000 steps)"),
        ('lr_policy: "inv" gamma: 0.0001 power: 0.75', ""),
    ],
)
def test_solvers(policy: str, expected: str | None, tmp_path: Path) -> None:
    """The settings of a training are those of the solver that is beside the network, or given."""
    (tmp_path / "solver.prototxt").write_text(SOLVER + policy)
    beside = read_text(TRAINING, tmp_path)
    given = import_model(tmp_path / "solver.prototxt")
    assert given.text == beside.text
    train = beside.model.compilation.train
    assert train.batch == 64
    assert "weight_decay(0.0005, on = all) -> sgd(0.01, momentum = 0.9)" in " ".join(beside.text.split())
    if expected:
        assert expected in beside.text
    else:
        assert "schedule" not in beside.text
    assert any(p.message.startswith("`lr_policy") for p in beside.warnings) == (expected == "")


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ('type: "Nesterov" momentum: 0.5', "sgd(0.1, momentum = 0.5, nesterov = true)"),
        ('type: "Adam" momentum2: 0.99', "adam(0.1, b2 = 0.99)"),
        ("solver_type: RMSPROP", "rmsprop(0.1)"),
    ],
)
def test_optimizers(options: str, expected: str, tmp_path: Path) -> None:
    (tmp_path / "solver.prototxt").write_text(f'net: "net.prototxt" base_lr: 0.1 {options}')
    found = read_text(TRAINING, tmp_path)
    assert found.model.compilation.train.optimizer  # it compiles
    assert expected in " ".join(found.text.split())


def test_a_solver_without_its_network(tmp_path: Path) -> None:
    path = tmp_path / "solver.prototxt"
    path.write_text(SOLVER)
    with pytest.raises(CompileError, match="is not beside it"):
        import_model(path)
    path.write_text("base_lr: 0.1")
    with pytest.raises(CompileError, match="names no network"):
        import_model(path)
