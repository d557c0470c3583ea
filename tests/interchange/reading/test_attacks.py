"""Files that would be read wrongly, that would hang, or that would end in a traceback."""

from __future__ import annotations

import os
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.interchange import imports
from netspec.language.diagnostics import CompileError

onnx = pytest.importorskip("onnx")
helper, FLOAT = onnx.helper, onnx.TensorProto.FLOAT
RNG = np.random.default_rng(0)
WEIGHT = RNG.normal(size=(6, 6)).astype(np.float32)


def value(name: str, *sizes: Any) -> Any:
    return helper.make_tensor_value_info(name, FLOAT, ["N", *sizes])


def saved(folder: Path, nodes: list[Any], outputs: list[Any], functions: Any = (), **constants: Any) -> Path:
    tensors = [onnx.numpy_helper.from_array(np.asarray(array), name) for name, array in constants.items()]
    graph = helper.make_graph(nodes, "g", [value("x", 6)], outputs, tensors)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, functions=list(functions))
    path = folder / "net.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def dense(*more: Any) -> list[Any]:
    return [helper.make_node("MatMul", ["x", "w"], ["h"]), *more]


def outputs_of(imported: Any, x: Any) -> Any:
    return np.asarray(next(iter(imported.model.predictions(x).values())))


@pytest.mark.parametrize(("low", "high"), [(0, 25), (-30, 30), (None, 21), (-21, None), (0, 100), (0, None), (0, 6)])
def test_bounds_hold_for_large_numbers(tmp_path: Path, low: float | None, high: float | None) -> None:
    names = ["h", "" if low is None else "low", "" if high is None else "high"]
    bounds = {"low": low, "high": high}
    constants = {name: np.float32(bound) for name, bound in bounds.items() if bound is not None}
    path = saved(tmp_path, dense(helper.make_node("Clip", names, ["y"])), [value("y", 6)], w=WEIGHT, **constants)
    x = 100 * RNG.normal(size=(50, 6)).astype(np.float32)
    expected = np.clip(x @ WEIGHT, low, high)
    assert np.abs(expected).max() > 20 or high == 6
    np.testing.assert_allclose(outputs_of(netspec.import_model(path), x), expected, rtol=1e-4, atol=1e-3)


def test_bounds_far_away_are_left_out_with_a_warning(tmp_path: Path) -> None:
    node = helper.make_node("Clip", ["h", "low", "high"], ["y"])
    far = np.float32(65504)
    found = netspec.import_model(saved(tmp_path, dense(node), [value("y", 6)], w=WEIGHT, low=-far, high=far))
    assert [warning.code for warning in found.warnings] == ["NS572", "NS572"]
    assert "dense(6, bias = false)" in found.text


def test_a_high_lower_bound_holds(tmp_path: Path) -> None:
    node = helper.make_node("Max", ["h", "low"], ["y"])
    found = netspec.import_model(saved(tmp_path, dense(node), [value("y", 6)], w=WEIGHT, low=np.float32(2000)))
    x = RNG.normal(size=(4, 6)).astype(np.float32)
    np.testing.assert_allclose(outputs_of(found, x), np.full((4, 6), 2000))


def test_a_relu_that_begins_far_from_zero_is_one(tmp_path: Path) -> None:
    more = [helper.make_node("Add", ["h", "b"], ["s"]), helper.make_node("Relu", ["s"], ["y"])]
    found = netspec.import_model(saved(tmp_path, dense(*more), [value("y", 6)], w=WEIGHT, b=np.float32(-50)))
    x = 100 * RNG.normal(size=(8, 6)).astype(np.float32)
    expected = np.maximum(x @ WEIGHT - 50, 0)
    assert expected.max() > 10
    np.testing.assert_allclose(outputs_of(found, x), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("count", [60, 2000])
def test_long_expressions_are_read_in_time(tmp_path: Path, count: int) -> None:
    kind, names = ("Add", 2) if count == 60 else ("Relu", 1)
    ends = ["x", *(f"h{i}" for i in range(count - 1)), "y"]
    nodes = [helper.make_node(kind, [a] * names, [b]) for a, b in pairwise(ends)]
    found = netspec.import_model(saved(tmp_path, nodes, [value("y", 6)]))
    x = RNG.normal(size=(4, 6)).astype(np.float32)
    np.testing.assert_allclose(outputs_of(found, x), x * 2.0**60 if count == 60 else np.maximum(x, 0), rtol=1e-5)


def test_local_functions_are_opened(tmp_path: Path) -> None:
    body = [helper.make_node("Relu", ["a"], ["b"])]
    function = helper.make_function("own", "Positive", ["a"], ["b"], body, [helper.make_opsetid("", 17)])
    node = helper.make_node("Positive", ["h"], ["y"], domain="own")
    found = netspec.import_model(saved(tmp_path, dense(node), [value("y", 6)], [function], w=WEIGHT))
    assert "dense(6, relu, bias = false)" in found.text


def external(location: str) -> Any:
    tensor = onnx.TensorProto(name="w", data_type=FLOAT, dims=[6, 6], data_location=onnx.TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    return helper.make_node("Constant", [], ["w"], value=tensor)


def test_constants_in_other_files_are_beside_the_network(tmp_path: Path) -> None:
    (tmp_path / "w.bin").write_bytes(WEIGHT.tobytes())
    path = saved(tmp_path, [external("w.bin"), *dense()], [value("h", 6)])
    x = RNG.normal(size=(4, 6)).astype(np.float32)
    np.testing.assert_allclose(outputs_of(netspec.import_model(path), x), x @ WEIGHT, rtol=1e-4, atol=1e-5)
    with pytest.raises(CompileError, match="NS570"):
        netspec.import_model(saved(tmp_path, [external("../w.bin"), *dense()], [value("h", 6)]))


def test_what_is_no_network_is_said(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="no output that is not an input"):
        netspec.import_model(saved(tmp_path, [], [value("x", 6)]))
    pairs = helper.make_node("Reshape", ["x", "s"], ["y"])
    with pytest.raises(CompileError, match="NS571"):
        netspec.import_model(saved(tmp_path, [pairs], [value("y", 3)], s=np.array([-1, 3])))
    os.mkfifo(tmp_path / "pipe.onnx")
    with pytest.raises(CompileError, match="a named pipe"):
        netspec.import_model(tmp_path / "pipe.onnx")


def test_darknet_approximates_gelu(tmp_path: Path) -> None:
    (tmp_path / "net.cfg").write_text("[net]\ninputs=6\n[connected]\noutput=6\nactivation=gelu\n")
    head = np.array([0, 2, 5, 0, 0], "<i4").tobytes()
    (tmp_path / "net.weights").write_bytes(head + np.zeros(6, "<f4").tobytes() + np.eye(6, dtype="<f4").tobytes())
    x = np.linspace(-3, 3, 12, dtype=np.float32).reshape(2, 6)
    found = netspec.import_model(tmp_path / "net.cfg", weights=tmp_path / "net.weights")
    expected = 0.5 * x * (1 + np.tanh(0.797885 * x + 0.035677 * x**3))  # `gelu_activate` of Darknet
    np.testing.assert_allclose(outputs_of(found, x), expected, atol=1e-5)


def test_nothing_is_left_of_a_spec_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = saved(tmp_path, dense(), [value("h", 6)], w=WEIGHT)
    write = imports.replace_file

    def full(file: Path, *args: Any, **options: Any) -> None:
        if file.suffix == ".net":
            raise OSError(28, "No space left on device")
        write(file, *args, **options)

    monkeypatch.setattr(imports, "replace_file", full)
    with pytest.raises(CompileError, match="NS477"):
        netspec.import_model(path, tmp_path / "net.net", weights=True)
    assert [file.name for file in tmp_path.iterdir()] == ["net.onnx"]
    with pytest.raises(CompileError, match="quotes"):
        netspec.import_model(path, tmp_path / 'a"b.net', weights=True)


def test_keras_dictionaries_keep_their_names(tmp_path: Path) -> None:
    keras = pytest.importorskip("keras")
    inputs = {name: keras.Input((6,), name=name) for name in ("late", "early")}
    difference = keras.layers.Subtract()([inputs["late"], inputs["early"]])
    wide, narrow = keras.layers.Dense(3)(difference), keras.layers.Dense(2)(difference)
    keras.Model(inputs, {"wide": wide, "more": {"narrow": narrow}}).save(tmp_path / "net.keras")
    found = netspec.import_model(tmp_path / "net.keras")
    assert found.verification is not None
    assert {name: shape.sizes for name, shape in found.model.outputs.items()} == {"wide": (3,), "more": (2,)}
