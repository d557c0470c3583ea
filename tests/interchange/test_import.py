"""From a sketch to a spec with its weights: what all formats that are read share."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.cli.main import run as cli
from netspec.interchange.errors import NotImported
from netspec.interchange.formats import Foreign
from netspec.interchange.imports import imported_from, with_init, written
from netspec.interchange.reading.alignment import align
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.shape import Shape
from netspec.layers.activations import Relu, Softmax
from netspec.layers.dense import Dense
from netspec.layers.merge import Add, Concat
from netspec.layers.spatial.conv import Conv


def codes_of(error: netspec.CompileError) -> list[str]:
    return [problem.code for problem in error.diagnostics]


RANDOM = np.random.default_rng(0)


def normal(*sizes: int) -> np.ndarray:
    return RANDOM.normal(size=sizes).astype(np.float32)


def dense(sketch: Sketch, x: Step, units: int, **options: object) -> Step:
    weights = {"kernel": normal(int(x.shape.count), units), "bias": normal(units)}
    return sketch.add(Dense(units=units, **options), x, weights=weights)


def two_equal_branches() -> tuple[Sketch, list[Step]]:
    """Two layers that differ in their weights alone: only the order of the inputs of `concat` tells them apart."""
    sketch = Sketch("twins")
    x = sketch.input("x", Shape((3,)))
    first, second = dense(sketch, x, 4), dense(sketch, x, 4)
    sketch.output(dense(sketch, sketch.add(Concat(), second, first), 2))
    return sketch, [first, second]


def test_weights_of_equal_branches_are_not_swapped() -> None:
    sketch, (first, second) = two_equal_branches()
    imported = imported_from(Foreign(sketch=sketch), "test")
    x = normal(5, 3)
    branches = [x @ step.weights["kernel"] + step.weights["bias"] for step in (second, first)]
    last = sketch.outputs[0][1].weights
    expected = np.concatenate(branches, axis=1) @ last["kernel"] + last["bias"]
    np.testing.assert_allclose(imported.model(x), expected, rtol=1e-5, atol=1e-5)


def test_a_text_that_says_something_else_is_noticed() -> None:
    sketch, _ = two_equal_branches()
    other = netspec.compile("input 3\n(dense(4) | dense(5)) -> concat -> dense(2)")
    with pytest.raises(ValueError, match="where the file has"):
        align(other.graph, sketch)


def test_a_layer_that_is_used_twice_is_shared() -> None:
    sketch = Sketch("shared")
    x = sketch.input("x", Shape((3,)))
    first = dense(sketch, x, 3)
    again = sketch.add(Dense(units=3), first, shared=first)
    sketch.output(sketch.add(Add(), again, x))
    imported = imported_from(Foreign(sketch=sketch), "test")
    assert imported.model.cost.trainable == 12
    v = normal(2, 3)
    once = v @ first.weights["kernel"] + first.weights["bias"]
    twice = once @ first.weights["kernel"] + first.weights["bias"]
    np.testing.assert_allclose(imported.model(v), twice + v, rtol=1e-5, atol=1e-5)


def test_everything_that_cannot_be_said_is_reported_in_one_run() -> None:
    sketch = Sketch("lost")
    x = sketch.input("x", Shape((8, 8, 3)))
    lost = sketch.lost("roi (RoiAlign)", "netspec has no such layer")
    after = sketch.add(Conv(filters=4), lost)
    wrong = sketch.add(Conv(filters=4, kernel=11, pad="valid"), x, name="conv9")
    sketch.output(sketch.add(Add(), after, wrong))
    with pytest.raises(netspec.CompileError) as caught:
        imported_from(Foreign(sketch=sketch), "test")
    assert codes_of(caught.value) == ["NS571", "NS571"]
    assert "RoiAlign" in str(caught.value) and "conv9" in str(caught.value)


def test_the_spec_and_its_weights_are_written(tmp_path: Path) -> None:
    sketch, _ = two_equal_branches()
    sketch.settings = {"train": {"epochs": "3"}}
    sketch.report(NotImported(what="clipnorm", reason="Keras clips each gradient by itself"))
    imported = imported_from(Foreign(sketch=sketch), "test")
    assert [warning.code for warning in imported.warnings] == ["NS572"]
    path = tmp_path / "twins.net"
    done = written(imported, path, has_weights=True, force=False)
    assert done.files == (path, tmp_path / "twins.weights.safetensors")
    assert '    init   = "twins.weights.safetensors"\n    epochs = 3\n' in path.read_text()
    x = normal(4, 3)
    model = netspec.compile(path)
    np.testing.assert_array_equal(model(x), imported.model(x))
    np.testing.assert_array_equal(copy.deepcopy(netspec.compile(path))(x), imported.model(x))
    with pytest.raises(FileExistsError, match=r"twins.* already exists"):
        written(imported, path, has_weights=True, force=False)
    written(imported, path, has_weights=True, force=True)


def test_weights_that_do_not_fit_the_spec_are_told(tmp_path: Path) -> None:
    sketch, _ = two_equal_branches()
    done = written(imported_from(Foreign(sketch=sketch), "test"), tmp_path / "a.net", has_weights=True, force=False)
    changed = done.files[0].read_text().replace("dense(2)", "dense(7)")
    done.files[0].write_text(changed)
    model = netspec.compile(done.files[0])
    with pytest.warns(UserWarning, match="NS"):
        assert model(normal(1, 3)).shape == (1, 7)


def test_no_weights(tmp_path: Path) -> None:
    sketch = Sketch("bare")
    sketch.output(sketch.add(Conv(filters=4, activation=Relu()), sketch.input("x", Shape((8, 8, 3)))))
    imported = imported_from(Foreign(sketch=sketch), "test")
    assert imported.checked == "not verified: there are no weights"
    with pytest.raises(netspec.CompileError) as caught:
        written(imported, tmp_path / "bare.net", has_weights=True, force=False)
    assert codes_of(caught.value) == ["NS575"] and not list(tmp_path.iterdir())


def test_another_result_is_an_error() -> None:
    sketch, _ = two_equal_branches()

    def zeros(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"output": np.zeros((len(inputs["x"]), 2))}

    with pytest.raises(netspec.CompileError) as caught:
        imported_from(Foreign(sketch=sketch, tool="zeros", runner=lambda: zeros), "test")
    assert codes_of(caught.value) == ["NS573"]


@pytest.mark.parametrize("text", ["input 3\n\ndense(2)\n", "input 3\n\ndense(2)\n\ntrain { epochs = 3 }\n"])
def test_init_joins_the_section_that_is_there(text: str) -> None:
    found = with_init(text, "w.safetensors")
    assert found.count("train {") == 1 and '"w.safetensors"' in found


@pytest.mark.parametrize("name", ["net.abc", "net", "net.tar.gz", "net.net"])
def test_unknown_formats(name: str) -> None:
    with pytest.raises(netspec.CompileError) as caught:
        netspec.import_model(name)
    assert codes_of(caught.value) == ["NS570"]


def test_where_a_spec_can_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is checked before anything is read: the source of these imports does not exist."""
    monkeypatch.chdir(tmp_path)
    Path("folder.net").mkdir()
    Path("a.net").write_text("mine")
    with pytest.raises(ValueError, match=r"ends in \.net"):
        netspec.import_model("none.onnx", "a.onnx")
    with pytest.raises(ValueError, match="is a folder"):
        netspec.import_model("none.onnx", "folder.net", force=True)
    with pytest.raises(FileExistsError):
        netspec.import_model("none.onnx", "a.net")
    with pytest.raises(netspec.CompileError) as caught:
        netspec.import_model("none.onnx", "missing/a.net")
    assert codes_of(caught.value) == ["NS477"] and Path("a.net").read_text() == "mine"


def test_a_conversion_does_not_replace_its_source(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(b"a model")
    assert cli(["convert", str(path), "-o", str(path.parent / "." / "net.keras")]) == 1
    assert "is the file that is read" in " ".join(capsys.readouterr().err.split()) and path.read_bytes() == b"a model"


def test_weights_are_not_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli(["import", "net.onnx", "-o", "-", "--weights"]) == 1
    assert "name a file" in " ".join(capsys.readouterr().err.split())


@pytest.mark.parametrize("scale", [1.0, 1e-6])
def test_outputs_that_hardly_vary_say_little(scale: float) -> None:
    """A softmax of tiny numbers gives 1 / classes whatever the weights are."""
    sketch = Sketch("constant")
    weights = {"kernel": scale * normal(3, 4), "bias": np.zeros(4, np.float32)}
    sketch.output(sketch.add(Dense(units=4, activation=Softmax()), sketch.input("x", Shape((3,))), weights=weights))

    def softmax(inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        e = np.exp(inputs["x"] @ weights["kernel"])
        return {"output": e / e.sum(axis=1, keepdims=True)}

    imported = imported_from(Foreign(sketch=sketch, tool="NumPy", runner=lambda: softmax), "test")
    assert ("says little" in imported.checked) == (scale < 1)


def test_inputs_that_are_too_large_are_not_tried() -> None:
    sketch = Sketch("large")
    weights = {"kernel": np.ones((1, 1), np.float32), "bias": np.zeros(1, np.float32)}
    sketch.output(sketch.add(Dense(units=1), sketch.input("x", Shape((2**30, 1))), weights=weights))
    imported = imported_from(Foreign(sketch=sketch, tool="NumPy", runner=lambda: lambda inputs: inputs), "test")
    assert imported.checked == "not verified: its inputs are too large to try"
