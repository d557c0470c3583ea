"""`netspec export` and `netspec.export`: what is in the file, what is verified, and what is refused."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_digits

import netspec
from netspec.cli.main import run
from netspec.interchange import verify as verification
from netspec.interchange.onnx import draft as onnx_draft
from netspec.language.lazy import lazy
from tests.interchange.conftest import randomize

onnx: Any = pytest.importorskip("onnx")
onnxruntime: Any = pytest.importorskip("onnxruntime")

ROOT = Path(__file__).parents[2]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def session_of(path: Path) -> Any:
    return onnxruntime.InferenceSession(str(path))


def metadata(path: Path) -> dict[str, Any]:
    return {one.key: json.loads(one.value) for one in onnx.load(str(path)).metadata_props}


# ---------------------------------------------------------------- runs


def test_raw_values_go_in_and_predictions_come_out(digits_run: Path, here: Path) -> None:
    done = netspec.export(digits_run, "digits.onnx")
    x = load_digits().images[:50, :, :, None].astype(np.float32) / 16
    (found,) = session_of(here / "digits.onnx").run(["output"], {"x": x})
    expected = netspec.predict(digits_run, x).probabilities
    assert np.abs(found - expected).max() < 1e-5 and found.shape == (50, 10)
    assert done.verification is not None
    assert done.verification.examples == 32 and done.verification.difference < 1e-5
    assert done.files == (Path("digits.onnx"),)
    known = metadata(here / "digits.onnx")
    assert known["class_names:output"] == [str(i) for i in range(10)]
    assert known["range:x"] == [0.0, 1.0] and len(known["normalization:x"]["mean"]) == 1


def test_normalization_missing_numbers_and_units_are_inside(table_run: Path, here: Path) -> None:
    netspec.export(str(table_run), "table.onnx")
    session = session_of(here / "table.onnx")
    x = np.array([[1.5, 0, 1], [np.nan, 1, 0], [8.25, 0, 1]], session.get_inputs()[0].type[7:-1].replace("float", "f4"))
    columns = metadata(here / "table.onnx")["columns:x"]
    assert sorted(columns) == ["color = blue", "color = red", "size"]
    x = x[:, [["size", "color = blue", "color = red"].index(name) for name in columns]]
    (found,) = session.run(None, {"x": x})
    rows = [{"size": 1.5, "color": "red"}, {"size": None, "color": "blue"}, {"size": 8.25, "color": "red"}]
    expected = np.array([netspec.predict(table_run, row).values[0] for row in rows]).reshape(-1, 1)
    assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
    assert {"encoder", "target_scaling:output"} <= metadata(here / "table.onnx").keys()


def test_the_page_about_exports(digits_run: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    netspec.export(digits_run, "digits.onnx")
    text = (ROOT / "docs/export.md").read_text(encoding="utf-8")
    (block,) = [part.partition("```")[0] for part in text.split("```python\n")[1:] if "onnxruntime" in part]
    exec(block, {})
    assert len(eval(capsys.readouterr().out)) == 5


# ---------------------------------------------------------------- options


def test_equal_networks_give_equal_bytes(here: Path) -> None:
    for name in ("a", "b"):
        netspec.export(netspec.compile("input 4\ndense(3, relu) -> dense(2, softmax)"), f"{name}.onnx")
    assert (here / "a.onnx").read_bytes() == (here / "b.onnx").read_bytes()


NET = """
input image: 8x8x3
conv(4, 3x3, gelu) -> maxpool(3, stride = 2, ceil = true) -> conv(4, 3x3) -> groupnorm(2) -> mish
-> upsample(2) -> pad(1) -> reshape(100x4) -> attention(2) -> layernorm -> lstm(3, return = last) -> dense(2, softmax)
"""


@pytest.mark.parametrize("opset", [18, 19, 20, 21, 25])
def test_operators_of_older_and_newer_versions(opset: int, here: Path) -> None:
    netspec.export(randomize(compiled(NET)), "a.onnx", opset=opset)
    assert [found.version for found in onnx.load("a.onnx").opset_import] == [opset]


_MODELS: dict[str, netspec.Model] = {}


def compiled(text: str) -> netspec.Model:
    """The model of a spec, compiled once."""
    return _MODELS.setdefault(text, netspec.compile(text))


def test_images_with_channels_first(here: Path) -> None:
    model = randomize(netspec.compile("input 6x5x3\nconv(4, 3x3, relu) -> batchnorm -> maxpool(2) -> conv(2, 1x1)"))
    netspec.export(model, "a.onnx", layout="nchw")
    x = np.random.default_rng(0).normal(size=(2, 6, 5, 3)).astype(np.float32)
    session = session_of(here / "a.onnx")
    assert session.get_inputs()[0].shape == ["N", 3, 6, 5] and session.get_outputs()[0].shape == ["N", 2, 3, 2]
    assert [node.op_type for node in onnx.load("a.onnx").graph.node] == [
        *("Conv", "Relu", "BatchNormalization", "MaxPool", "Conv")
    ]
    (found,) = session.run(None, {"x": x.transpose(0, 3, 1, 2)})
    assert np.allclose(found.transpose(0, 2, 3, 1), model(x), atol=1e-5)


def test_weights_in_a_second_file(here: Path) -> None:
    model = netspec.compile("input 40\ndense(30, relu) -> dense(2)")
    done = netspec.export(model, "a.onnx", external=True)
    assert done.files == (Path("a.onnx"), Path("a.onnx.data"))
    assert (here / "a.onnx.data").stat().st_size == 40 * 30 * 4  # the others are small
    x = np.ones((3, 40), np.float32)
    assert np.allclose(session_of(here / "a.onnx").run(None, {"x": x})[0], model(x), atol=1e-5)
    assert sorted(path.name for path in here.iterdir()) == ["a.onnx", "a.onnx.data"]


def test_weights_in_8_bits(digits_run: Path, table_run: Path, here: Path) -> None:
    """What they cost is that of the file, on the whole test split."""
    done = netspec.export(digits_run, "a.onnx", int8=True)
    netspec.export(digits_run, "b.onnx")
    proto = onnx.load("a.onnx")
    assert {"ConvInteger", "MatMulInteger"} <= {node.op_type for node in proto.graph.node}
    assert proto.producer_name == "netspec" and metadata(here / "a.onnx") == metadata(here / "b.onnx")
    shown = re.fullmatch(r"8 bits: accuracy (\S+)% instead of (\S+)% on 359 examples of the test split", done.cost)
    assert shown is not None and abs(float(shown[2]) - 100 * netspec.evaluate(digits_run)["test_accuracy"]) < 0.006
    assert abs(float(shown[1]) - float(shown[2])) < 5
    shown = re.search(r"rmse (\S+) instead of (\S+) on", netspec.export(table_run, "c.onnx", int8=True).cost)
    expected = netspec.evaluate(table_run)["test_rmse"]
    assert shown is not None and abs(float(shown[2]) - expected) < 1e-3 * expected
    done = netspec.export(netspec.compile("input 4\ndense(3)"), "d.onnx", int8=True)
    assert done.cost.startswith("8 bits: differs on random inputs by output ")
    with pytest.raises(ValueError, match="`int8` excludes `external`"):
        netspec.export(digits_run, "e.onnx", int8=True, external=True)


# ---------------------------------------------------------------- networks


OPEN = {
    "(H, W, 3)": "conv(4, 3x3, stride = 2) -> maxpool(2, pad = same) -> conv(4, 3x3) -> upsample(2, bilinear) -> gap",
    "(T, 8)": "sinusoidal -> attention(2, causal = true, rope = true) -> conv(4, 3) -> gru(3) -> mean_pool",
    "(6, W, 2)": "maxpool(2) -> permute([2, 1, 3]) -> reshape((W//2, 6)) -> gru(3)",
}


def open_size(size: str) -> str | int:
    return int(size) if size.isdigit() else size


@pytest.mark.parametrize("shape", OPEN)
def test_sizes_that_are_not_known(shape: str, here: Path) -> None:
    model = randomize(netspec.compile(f"input {shape}\n{OPEN[shape]}"))
    netspec.export(model, "a.onnx")
    sizes = {"(H, W, 3)": (12, 20, 3), "(T, 8)": (11, 8), "(6, W, 2)": (6, 11, 2)}[shape]
    x = np.random.default_rng(0).normal(size=(2, *sizes)).astype(np.float32)
    session = session_of(here / "a.onnx")
    assert session.get_inputs()[0].shape[1:] == [*(open_size(s) for s in shape.strip("()").split(", "))]
    assert np.allclose(session.run(None, {"x": x})[0], model(x), atol=1e-5)


def test_what_is_shared_is_stored_once(here: Path) -> None:
    tower = "share tower = conv(3, 3x3) -> dense(4)\ninput a: 6x6x1\ninput b: 6x6x1\n"
    model = randomize(netspec.compile(f"{tower}((a -> tower) | (b -> tower)) -> mul"))
    netspec.export(model, "a.onnx")
    weights = {w.name: tuple(w.dims) for w in onnx.load("a.onnx").graph.initializer}
    assert sorted(weights.values()) == [(3,), (3, 1, 3, 3), (4,), (108, 4)], weights
    tied = "input 7 tokens(11)\nshare table = embedding(4)\ntable -> rnn(4) -> unembed(table)"
    netspec.export(randomize(netspec.compile(tied)), "b.onnx")
    shapes = [tuple(w.dims) for w in onnx.load("b.onnx").graph.initializer]
    assert shapes.count((11, 4)) == 1 and (4, 11) not in shapes


def test_outputs_that_are_one_tensor_or_an_input(here: Path) -> None:
    text = "input x: 3\nh = x -> dense(2, relu)\noutput a = h\noutput b = h\noutput c = x -> identity"
    model = netspec.compile(text)
    netspec.export(model, "a.onnx")
    x = np.ones((2, 3), np.float32)
    a, b, c = session_of(here / "a.onnx").run(["a", "b", "c"], {"x": x})
    assert np.array_equal(a, b) and np.array_equal(c, x) and np.allclose(a, model(x)["a"], atol=1e-6)


# ---------------------------------------------------------------- what is refused


def codes(error: pytest.ExceptionInfo[netspec.CompileError]) -> list[tuple[str, str]]:
    return [(d.code, d.span.text if d.span else "") for d in error.value.diagnostics]


def test_layers_that_onnx_cannot_carry_are_reported_at_their_lines(here: Path) -> None:
    text = "input 6x4\nlstm(3, gelu)\n-> dense(4)\n-> gru(3, mish)\n-> dense(2, dtype = bf16)"
    with pytest.raises(netspec.CompileError) as error:
        netspec.export(netspec.compile(text), "a.onnx")
    assert codes(error) == [("NS544", "lstm(3, gelu)"), ("NS544", "gru(3, mish)"), ("NS544", "dense(2, dtype = bf16)")]
    assert list(here.iterdir()) == []


def test_a_file_that_computes_something_else_is_not_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "a.onnx").write_text("what was there before")
    model = netspec.compile("input 4\ndense(3, relu)")
    write = onnx_draft.write_network

    def wrong(writer: Any, *rest: Any) -> Any:
        found = write(writer, *rest)
        for name, array in writer.initializers.items():
            writer.initializers[name] = array * 1.001
        return found

    monkeypatch.setattr(onnx_draft, "write_network", wrong)
    with pytest.raises(netspec.CompileError, match="NS545"):
        netspec.export(model, "a.onnx")
    monkeypatch.setattr(verification, "TOLERANCE", 0.1)
    assert [path.name for path in here.iterdir()] == ["a.onnx"]
    assert (here / "a.onnx").read_text() == "what was there before"
    netspec.export(model, "a.onnx")
    assert onnx.load("a.onnx").producer_name == "netspec"


def test_a_file_that_the_checker_refuses_is_not_written(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = onnx_draft.Writer.rename

    def wrong(writer: Any, names: Any) -> None:
        rename(writer, names)
        writer.operators[0].kind = "Tanhh"

    monkeypatch.setattr(onnx_draft.Writer, "rename", wrong)
    with pytest.raises(netspec.CompileError, match="NS547"):
        netspec.export(netspec.compile("input 4\ndense(3, relu)"), "a.onnx")
    assert list(here.iterdir()) == []


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Hides a package."""

    def hide(name: str) -> None:
        monkeypatch.setitem(__import__("sys").modules, name, None)
        monkeypatch.setattr(onnx_draft, name, lazy(name))

    return hide


def test_without_its_packages(here: Path, without: Any) -> None:
    model = netspec.compile("input 4\ndense(3, relu)")
    without("onnxruntime")
    done = netspec.export(model, "a.onnx")
    assert done.verification is None
    assert "not verified: onnxruntime is not installed (pip install 'netspec-compiler[onnx]')" in str(done)
    without("onnx")
    with pytest.raises(netspec.CompileError, match=r"NS546.*`onnx`\n.*pip install 'netspec-compiler\[onnx\]'"):
        netspec.export(model, "b.onnx")
    assert not (here / "b.onnx").exists()


def test_a_folder_that_is_not_there(here: Path) -> None:
    with pytest.raises(netspec.CompileError, match="NS477"):
        netspec.export(netspec.compile("input 4\ndense(3)"), "none/a.onnx")


def test_arguments_from_python(here: Path) -> None:
    model = compiled("input 4\ndense(3)")
    with pytest.raises(ValueError, match=r"the format of `a\.h5` is not known: let its name end in \.onnx, \.py,"):
        netspec.export(model, "a.h5")
    with pytest.raises(ValueError, match="the formats are onnx, torch, keras, stablehlo, huggingface, not 'caffe'"):
        netspec.export(model, "a.onnx", to="caffe")
    for options in ({"opset": 3}, {"opset": True}, {"layout": "chw"}, {"external": 1}, {"opsets": 21}):
        with pytest.raises(ValueError, match=next(iter(options))):
            netspec.export(model, "a.onnx", **options)
    for wrong in (3, None):
        with pytest.raises(TypeError):
            netspec.export(wrong, "a.onnx")  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            netspec.export(model, wrong)  # type: ignore[arg-type]
    assert list(here.iterdir()) == []


# ---------------------------------------------------------------- the command


def test_the_command(digits_run: Path, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(digits_run), "-o", "d.onnx"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("d.onnx: ONNX opset 21, ") and lines[1].startswith("input  x: N x 8 x 8 x 1 float32")
    assert lines[3].startswith("verified with onnxruntime on 32 examples and 4 random inputs: difference ")
    (here / "net.net").write_text("input 4\ndense(3, softmax)\ntrain { seed = 5 }")
    assert run(["export", "net.net", "--json", "--opset", "20", "-D", "train.seed=6"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["files"] == ["net.onnx"] and found["examples"] == 0 and found["difference"] < 1e-5
    kernel = next(w for w in onnx.load("net.onnx").graph.initializer if w.name == "dense/kernel")
    expected = netspec.compile("input 4\ndense(3, softmax)", seed=6).module.dense.kernel[...]
    assert np.array_equal(onnx.numpy_helper.to_array(kernel), expected)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-o", "a.h5"], "the format of `a.h5` is not known"),
        (["-o", "a.onnx", "--opset", "5"], "`opset` is an integer from 18 to 25, not 5"),
        (["--to", "caffe"], "'caffe' is not one of 'onnx', 'torch',"),
    ],
)
def test_wrong_options(arguments: list[str], message: str, here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "net.net").write_text("input 4\ndense(3)")
    assert run(["export", "net.net", *arguments]) == 1
    assert message in capsys.readouterr().err and [path.name for path in here.iterdir()] == ["net.net"]


def test_a_run_is_exported_as_it_was_trained(digits_run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", str(digits_run), "-D", "train.epochs=3"]) == 1
    assert "exported as it was trained" in capsys.readouterr().err


def test_the_help_lists_the_formats(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "--help"]) == 0
    text = capsys.readouterr().out
    assert "onnx (.onnx)" in text and "netspec-compiler[onnx]" in text and "--opset" in text


def test_a_run_whose_data_are_gone(tmp_path: Path) -> None:
    """They are looked for to verify the file with examples; without them random inputs do."""
    table = tmp_path / "t.csv"
    table.write_text("a,b,y\n" + "".join(f"{i},{i % 3},{i % 2}.5\n" for i in range(20)))
    spec = tmp_path / "net.net"
    spec.write_text('dense(4) -> dense(1)\ndata { source = csv("t.csv", target = "y") }\ntrain { epochs = 1 }\n')
    run = netspec.train(spec, runs=tmp_path / "runs", verbose=0).run
    table.unlink()
    found = netspec.export(run, tmp_path / "net.onnx").verification
    assert found is not None and found.examples == 0 and found.random > 0
