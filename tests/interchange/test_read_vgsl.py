"""`netspec import` of VGSL, the networks of Tesseract and kraken for lines of text."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.interchange.configs.vgsl.reader import read
from netspec.interchange.imports import Imported

torch = pytest.importorskip("torch")

KRAKEN = "[1,48,0,1 Cr3,3,32 Do0.1,2 Mp2,2 Cr{wide}3,9,64 Mp2,2 S1(1x12)1,3 Lbx100 Do O1c80]"


def imported(text: str) -> Imported:
    return netspec.import_model(text, format="vgsl")


def problems(text: str) -> list[tuple[str, str]]:
    """The code and the place of each error."""
    with pytest.raises(netspec.CompileError) as error:
        imported(text)
    return [(d.code, d.span.text if d.span else "") for d in error.value.diagnostics if d.is_error]


def test_a_network_of_kraken_reads_lines_of_any_width() -> None:
    found = imported(KRAKEN)
    convolutions = 9 * 32 + 32 + 27 * 32 * 64 + 64
    recurrent = 2 * 4 * (768 * 100 + 100 * 100 + 100)
    assert found.model.cost.trainable == convolutions + recurrent + 200 * 80 + 80
    assert found.model(np.zeros((2, 48, 101, 1), np.float32)).shape == (2, 25, 80)
    assert "loss = ctc" in found.text and not found.has_weights
    assert [step.name for step in read(KRAKEN, None).sketch.steps if step.name] == ["x", "wide"]
    assert [(w.code, w.span.text if w.span else "") for w in found.warnings] == [("NS572", "O1c80")]


def reshaped(x: np.ndarray, axis: int, high: int, low: int, high_to: int, low_to: int) -> np.ndarray:
    """What kraken does: the part that moves comes before the axis that it is joined with."""
    parts = [size or -1 for size in (high, low)]
    y = torch.from_numpy(x).reshape(*x.shape[:axis], *parts, *x.shape[axis + 1 :])
    moves, target = (axis + 1, low_to) if high_to == axis else (axis, high_to)
    stays = axis if moves != axis else axis + 1
    order = [i for i in range(5) if i != moves]
    names = {0: 0, stays: axis} | {i: i if i < axis else i - 1 for i in range(1, 5) if i not in (axis, axis + 1)}
    place = [names[i] for i in order].index(target)
    y = y.permute(*order[:place], moves, *order[place:])
    return y.reshape(*y.shape[:place], -1, *y.shape[place + 2 :]).numpy()


SPLITS = [(1, 1, 0, 1, 3), (1, 1, 4, 1, 3), (1, 2, 0, 1, 3), (1, 2, 2, 2, 1), (3, 3, 0, 2, 3), (3, 0, 2, 3, 1)]
SPLITS += [(2, 3, 2, 3, 2), (2, 1, 0, 2, 3), (1, 0, 1, 2, 1), (3, 1, 6, 3, 2), (1, 4, 1, 3, 1), (2, 2, 3, 1, 2)]


@pytest.mark.parametrize("numbers", SPLITS)
def test_a_split_moves_the_numbers_that_kraken_moves(numbers: tuple[int, ...]) -> None:
    x = np.random.default_rng(0).normal(size=(2, 4, 6, 6)).astype(np.float32)
    axis, high, low, high_to, low_to = numbers
    found = imported(f"[1,4,6,6 S{axis}({high}x{low}){high_to},{low_to} I Mp1,1]")
    expected = reshaped(x, *numbers)
    assert np.array_equal(np.asarray(found.model(x)).reshape(expected.shape), expected)


def test_pooling_and_convolutions_have_the_sizes_of_pytorch() -> None:
    x = torch.randn(1, 1, 13, 22)
    y = torch.nn.functional.max_pool2d(x, (3, 2), stride=(2, 1))
    y = torch.nn.Conv2d(1, 4, (3, 5), stride=(2, 2), padding=(1, 2))(y)
    y = torch.nn.ConvTranspose2d(4, 6, (3, 3), stride=(2, 2), padding=(1, 1))(y)
    y = torch.nn.Conv2d(6, 2, 3, padding=2, dilation=2)(y)
    found = imported("[1,13,22,1 Mp3,2,2,1 Clr3,5,4,2,2 CTl3,3,6,2,2 Cs3,3,2,1,1,2,2 Ap1,1]")
    assert found.model(x.permute(0, 2, 3, 1).numpy()).shape == tuple(y.permute(0, 2, 3, 1).shape)
    assert "leaky_relu" in found.text and "sigmoid" in found.text


def test_networks_of_tesseract() -> None:
    found = imported("[1,1,0,48 Lbx256 O1c105]")
    assert found.model.cost.trainable == 2 * 4 * (48 * 256 + 256 * 256 + 256) + 512 * 105 + 105
    assert "reshape" not in found.text
    found = netspec.import_model("1,28,28,1[Ct5,5,16 Mp3,3 ([Cr1,1,8 Cr3,3,4] Cr5,5,4 I) Gn8 Fs32]O0s10")
    assert found.model(np.zeros((1, 28, 28, 1), np.float32)).shape == (1, 10)
    assert found.model.cost.trainable == 416 + 136 + 292 + 1604 + 48 + (81 * 24 * 32 + 32) + 330
    found = imported("[1,7,1,3 Gfy5 Lrys6 O1l3]")
    assert found.model(np.zeros((1, 7, 1, 3), np.float32)).shape == (1, 3)
    assert "reverse = true" in found.text and "return = last" in found.text


def test_what_the_language_cannot_say_is_all_reported_at_its_place() -> None:
    text = "[1,36,0,1 Ct3,3,16 (Lfys48 Cz3,3,2) LS10 A1,2 Cr3,3 Xy4 Do1.0 S1(5x0)1,3 S1(2x18)2,3 O1c111 O1s1]"
    places = ["Lfys48", "Cz3,3,2", "Cr3,3", "Xy4"]
    assert problems(text) == [("NS571", place) for place in places]
    for place in ("LS10", "A1,2", "Do1.0", "S1(5x0)1,3", "S1(2x18)2,3", "S0(1x4)0,3", "Lfx9", "O1c11", "O2s1", "()"):
        assert problems(f"[1,36,0,1 {place}]") == [("NS571", place)]
    assert problems("[1,0,0,1 Fr10]") == [("NS571", "Fr10")]


BAD = ["", "[]", "[1,48,0,1]", "[1,48,0,1 Cr3,3,8", "[1,48,0,1 Cr3,3,8)", "]", "[Cr3,3,8]", "[1,48,0,0 Cr3,3,8]"]
BAD += ["[1,2,3,99999999999 Cr3,3,1]", "[" * 2000, "[1,48,0,1" + " I" * 3000 + "]", "[1,8,8,1 " + "(" * 60]


@pytest.mark.parametrize("text", BAD)
def test_texts_that_are_no_specification(text: str) -> None:
    with pytest.raises(netspec.CompileError) as error:
        read(text or "[", None)
    assert [d.code for d in error.value.diagnostics] == ["NS570"]


def test_files_and_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lines.vgsl").write_text(f"{KRAKEN}\n")
    assert run(["import", "lines.vgsl", "-o", "lines.net"]) == 0
    assert run(["check", "lines.net"]) == 0
    captured = capsys.readouterr()
    assert "lines.net: " in captured.out and "NS572" in captured.err + captured.out
    for arguments in (["lines.vgsl", "lines.vgsl"], ["none.vgsl"]):
        assert run(["import", *arguments]) == 1
    (tmp_path / "bad.vgsl").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(netspec.CompileError, match="NS570"):
        netspec.import_model(tmp_path / "bad.vgsl")


def test_no_text_crashes_the_reader(long: bool) -> None:
    rng = random.Random(0)
    for _ in range(3000 if long else 150):
        text = list(rng.choice([KRAKEN, "[1,9,9,3 (Cr3,3,8 [Lfys4 I]) S3(2x4)2,3 Gn2 Fr7 D50 Bn O0s3]"]))
        for _ in range(rng.randint(1, 4)):
            place = rng.randrange(len(text))
            text[place : place + rng.randint(0, 3)] = rng.choice([*"[]()0123456789,xSLO{} ", "999999", "", "é", "\0"])
        with contextlib.suppress(netspec.CompileError):
            read("[" + "".join(text).lstrip("["), None)
