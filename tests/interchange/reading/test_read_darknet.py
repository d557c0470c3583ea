"""Networks of Darknet compute what PyTorch computes from the same layers, and what cannot be read is reported."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from netspec.interchange.formats import READERS
from netspec.interchange.imports import Imported, import_model
from netspec.language.diagnostics import CompileError
from tests.interchange.reading.compared import assert_equal, channels_last
from tests.interchange.reading.darknet_nets import HEADS, NETS, DarknetNet, outputs, yolo_v3


def check(net: DarknetNet, folder: Path) -> Imported:
    """Read a network, and compare its outputs with those of PyTorch."""
    cfg, weights = net.write(folder)
    found = import_model(cfg, weights=weights)
    results = found.model.predictions(channels_last(net.input.numpy()))
    for y, tensor in zip(results.values(), outputs(net), strict=True):
        assert_equal(y, tensor)
    return found


SLOW = {"darknet19", "tiny_yolo_v2", "yolo_v2", "yolo_v3"}
"""Networks that take long: they are tested with `--long`."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if metafunc.function is test_networks:
        metafunc.parametrize("name", [n for n in NETS if metafunc.config.getoption("--long") or n not in SLOW])


def test_networks(name: str, tmp_path: Path) -> None:
    check(NETS[name](), tmp_path)


# ---------------------------------------------------------------- layers

LAYERS: dict[str, Callable[[DarknetNet], object]] = {}


def layer(function: Callable[[DarknetNet], object]) -> Callable[[DarknetNet], object]:
    """A network whose layers are compared, of an input with 4 channels and 10 x 13 positions."""
    LAYERS[function.__name__] = function
    return function


@layer
def pools(net: DarknetNet) -> None:
    """Their padding is size - 1 rows in all: an odd one at the end, an even one on both sides."""
    net.conv(5, 1)
    net.maxpool(2, 1)
    net.maxpool(3, 2)
    net.maxpool(2, 2)
    net.maxpool(4, 1)


@layer
def pool_of_three(net: DarknetNet) -> None:
    net.conv(5, 1, activation="linear")
    net.maxpool(3, 2)


@layer
def convolutions(net: DarknetNet) -> None:
    net.conv(6, 3, 1, dilation=2)
    net.conv(6, 5, 2, groups=3)
    net.conv(4, 2, 1, norm=False, activation="logistic")


@layer
def connected(net: DarknetNet) -> None:
    net.conv(4, 3)
    net.connected(6, "relu", norm=True)
    net.connected(5, "tanh")
    net.softmax()


@layer
def convolution_of_features(net: DarknetNet) -> None:
    net.connected(6, "leaky")
    net.conv(3, 1)


@layer
def softmax_of_maps(net: DarknetNet) -> None:
    net.conv(2, 1)
    net.softmax()


@layer
def shortcut_activated(net: DarknetNet) -> None:
    net.conv(4, 1)
    net.conv(4, 3, activation="linear")
    net.shortcut(-2, "leaky")


@pytest.mark.parametrize("name", LAYERS)
def test_layers(name: str, tmp_path: Path) -> None:
    net = DarknetNet(4, 10, 13)
    LAYERS[name](net)
    check(net, tmp_path)


def test_reorganized_positions_joined_with_features(tmp_path: Path) -> None:
    net = DarknetNet(8, 4, 4)
    net.maxpool()
    net.reorg()
    net.route(-2)
    net.avgpool()
    net.route(-1, -3)
    net.conv(3, 1)
    check(net, tmp_path)


@pytest.mark.parametrize("version", HEADS)
def test_heads_of_weights(version: tuple[int, int], tmp_path: Path) -> None:
    """The count of images has 32 or 64 bits; above version 1000 the kernels of dense layers are transposed."""
    net = DarknetNet(6, version=version)
    net.connected(5, "leaky")
    net.connected(4)
    check(net, tmp_path)


# ---------------------------------------------------------------- what is cut off, and settings


def test_boxes_are_cut_off(tmp_path: Path) -> None:
    """What they are found in are outputs, and a warning says so at each section."""
    net = yolo_v3()
    cfg, _ = net.write(tmp_path)
    found = import_model(cfg)
    assert {name: str(shape) for name, shape in found.model.outputs.items()} == {"yolo_1": "4x4x21", "yolo_2": "8x8x21"}
    lines = [number for number, line in enumerate(cfg.read_text().splitlines(), start=1) if line == "[yolo]"]
    assert [(p.code, p.span.first.line if p.span else 0) for p in found.warnings] == [("NS572", n) for n in lines]
    assert "21 x 4 x 4 numbers" in found.warnings[0].message


HEAD = "[net]\nwidth=8\nheight=8\nchannels=3\n"


def read_text(text: str, folder: Path) -> Imported:
    path = folder / "net.cfg"
    path.write_text(text)
    return import_model(path)


def test_a_loss_is_left_out(tmp_path: Path) -> None:
    found = read_text(HEAD + "[avgpool]\n[softmax]\n[cost]\ntype=sse\n", tmp_path)
    assert str(found.model.outputs["output"]) == "3"
    assert [p.code for p in found.warnings] == ["NS572"]


def test_comments_and_spaces(tmp_path: Path) -> None:
    text = f"# a comment\n ; another\n{HEAD}\n [convolutional] # of\n filters = 4 # four\n activation = leaky\n\n"
    assert str(read_text(text, tmp_path).model.outputs["output"]) == "8x8x4"


def test_crop(tmp_path: Path) -> None:
    """The center, whose numbers from 0 to 1 become those from -1 to 1."""
    found = read_text(HEAD + "[crop]\ncrop_height=6\ncrop_width=4\nflip=0\n", tmp_path)
    x = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    y = np.asarray(found.model.predictions(x)["output"])
    assert np.allclose(y, 2 * x[:, 1:7, 2:6] - 1, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "settings", "left_out"),
    [
        ("policy=constant", {"schedule": None}, set()),
        ("policy=steps\nsteps=100,200\nscales=.1,.1", {"schedule": "multistep([100 steps, 200 steps], 0.1)"}, set()),
        ("policy=steps\nsteps=100,200\nscales=.1,.5", {"schedule": None}, {"policy"}),
        (
            "policy=poly\npower=4\nmax_batches=100",
            {"schedule": "polynomial(power = 4, length = 100 steps)"},
            {"max_batches"},
        ),
        ("policy=exp\ngamma=0.99", {"schedule": "exponential(0.99, every = 1 steps)"}, set()),
        ("policy=step\nstep=50\nscale=.5", {"schedule": "step(50 steps, 0.5)"}, set()),
        ("policy=sigmoid", {"schedule": None}, {"policy"}),
        ("burn_in=1000\nangle=7\nhue=.1", {"schedule": None}, {"burn_in", "angle", "hue"}),
        ("adam=1\nB1=0.8", {"optimizer": "weight_decay(0.0005) -> adam(0.01, b1 = 0.8)"}, set()),
        ("momentum=0.9", {"optimizer": "weight_decay(0.0005) -> sgd(0.01, momentum = 0.9)"}, set()),
    ],
)
def test_settings_of_a_training(
    options: str, settings: dict[str, str | None], left_out: set[str], tmp_path: Path
) -> None:
    found = read_text(f"{HEAD}batch=16\nlearning_rate=0.01\ndecay=0.0005\n{options}\n[avgpool]\n[softmax]", tmp_path)
    text = " ".join(found.text.split()).replace(".0,", ",")
    assert "batch = 16" in text
    for name, value in settings.items():
        assert (f"{name} = {value}" in text) if value else (f"{name} =" not in text)
    assert {p.message.split("`")[1] for p in found.warnings} == left_out
    assert found.model.compilation.train.batch == 16  # it compiles


# ---------------------------------------------------------------- mistakes


def problems(text: str, folder: Path) -> list[tuple[str, str, int | None]]:
    """The code, the message with its hint, and the line of each problem."""
    with pytest.raises(CompileError) as caught:
        read_text(text, folder)
    return [
        (p.code, f"{p.message}; {p.hint_text}", p.span.first.line if p.span else None) for p in caught.value.diagnostics
    ]


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("", "it does not begin with the section `[net]`", None),
        ("[convolutional]\n", "it does not begin with the section `[net]`", 1),
        ("width=3\n[net]", "is before the first section", 1),
        (HEAD + "[convolutional\n", "a section is not closed in line 5", 5),
        (HEAD + "filters\n", "line 5 is neither an option nor a section", 5),
        (HEAD, "it has no layers", 1),
        ("[net]\nwidth=8\n[avgpool]", "`[net]` has no `width`, `height` and `channels`", 1),
        (HEAD + "[convolutional]\nfilters=many\n", "`filters` in line 6 is `many`", 6),
        (HEAD + "[convolutional]\nfilters=99999999999\n", "`filters` in line 6 is `99999999999`", 6),
        (HEAD + "[convolutional]\nsize=0\n", "`size` in line 6 is `0`, not an integer from 1 on", 6),
        (HEAD + "[avgpool]\n[softmax]\ntemperature=1e999\n", "`temperature` in line 7 is `1e999`", 7),
        (HEAD + "[avgpool]\n[route]\nlayers=-1,x\n", "not a list of integers", 7),
        (HEAD + "[route]\nlayers=-1\n", "`layers` in line 6 names layer -1, and this is layer 0", 6),
        (HEAD + "[avgpool]\n[route]\nlayers=1\n", "names layer 1, and this is layer 1", 7),
    ],
)
def test_damaged_cfg(text: str, reason: str, line: int | None, tmp_path: Path) -> None:
    ((code, message, found),) = problems(text, tmp_path)
    assert code == "NS570"
    assert reason in message
    assert found == line


def test_everything_that_cannot_be_said_is_reported_once(tmp_path: Path) -> None:
    sections = [
        ("[convolutional]\nactivation=laeky", 6, "did you mean `leaky`?"),
        ("[route]\nlayers=-1", 0, ""),  # it is lost, and not reported again
        ("[route]", 9, "it names no layers"),
        ("[convolutinal]", 10, "did you mean `convolutional`?"),
    ]
    found = problems(HEAD + "\n".join(text for text, _, _ in sections), tmp_path)
    assert [(code, line) for code, _, line in found] == [("NS571", line) for _, line, _ in sections if line]
    for (_, message, _), (_, _, hint) in zip(found, [s for s in sections if s[1]], strict=True):
        assert hint in message


@pytest.mark.parametrize(
    "sections",
    [
        "[convolutional]\nbinary=1",
        "[convolutional]\ngroups=2",
        "[maxpool]\nmaxpool_depth=1",
        "[maxpool]\nsize=20\npadding=0",
        "[softmax]\ngroups=2",
        "[upsample]\nstride=-2",
        "[reorg]\nstride=3",
        "[reorg]\nreverse=1",
        "[crop]\ncrop_height=9\ncrop_width=9",
        "[lstm]\noutput=3",
        "[convolutional]\nfilters=4\n[shortcut]\nfrom=-1\nweights_type=per_channel",
        "[convolutional]\nfilters=4\n[maxpool]\nsize=2\nstride=2\n[shortcut]\nfrom=-2",
        "[convolutional]\nfilters=3\n[route]\nlayers=-1\ngroups=2",
        "[convolutional]\nfilters=8\nsize=1\nstride=4\n[reorg]\nstride=2\n[route]\nlayers=-1,-2",
        "[yolo]\n[convolutional]\nfilters=3",
        "[yolo]\n[route]\nlayers=-1",
        "[convolutional]\nfilters=4\n[scale_channels]\nfrom=-1\nscale_wh=1",
    ],
)
def test_what_the_language_does_not_have(sections: str, tmp_path: Path) -> None:
    found = [code for code, _, _ in problems(HEAD + sections, tmp_path)]
    assert found.count("NS571") == 1
    assert set(found) <= {"NS571", "NS572"}


def test_options_that_are_not_known(tmp_path: Path) -> None:
    """Darknet only prints them: they are warnings."""
    found = read_text(HEAD + "[convolutional]\nfliters=4\nactivation=linear", tmp_path)
    (warning,) = found.warnings
    assert warning.code == "NS572"
    assert "did you mean `filters`?" in warning.hint_text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (
            lambda data: data[:-4],
            "it is too short: convolutional 1 needs 32 numbers after the first 132, and 31 are left",
        ),
        (lambda data: data + b"abcd", "it is too long: the layers of the cfg need 164 numbers, and it has 165"),
        (lambda data: data[:-2], "bytes, not 4 for each number"),
        (lambda data: data[:10], "it has 10 bytes, and the head alone has at least 16"),
        (lambda data: data[:16], "it has 16 bytes, and the head alone has 20"),
        (lambda data: b"", "it has 0 bytes"),
    ],
)
def test_damaged_weights(change: Callable[[bytes], bytes], reason: str, tmp_path: Path) -> None:
    net = DarknetNet(3, 8, 8)
    net.conv(4)
    net.conv(8, 1, norm=False)
    cfg, weights = net.write(tmp_path)
    weights.write_bytes(change(weights.read_bytes()))
    with pytest.raises(CompileError) as caught:
        import_model(cfg, weights=weights)
    (problem,) = caught.value.diagnostics
    assert problem.code == "NS570"
    assert reason in problem.message


def test_mutated_files_are_read_or_refused(tmp_path: Path) -> None:
    """Whatever is in the files: only `CompileError` is raised."""
    rng, net = np.random.default_rng(0), NETS["yolo_v4_tiny"]()
    cfg, weights = net.write(tmp_path)
    results = set()
    for path, other in ((cfg, None), (weights, weights)) * 30:
        content = bytearray(path.read_bytes())
        original, start = bytes(content), int(rng.integers(min(len(content), 4000)))
        if rng.random() < 0.3:
            del content[start:]
        else:
            content[start : start + int(rng.integers(20))] = rng.bytes(int(rng.integers(8)))
        path.write_bytes(content)
        try:
            results.add(bool(READERS["darknet"].read(cfg, other).sketch.problems.errors))
        except CompileError as error:
            results.add(error.diagnostics[0].code)
        path.write_bytes(original)
    assert "NS570" in results
