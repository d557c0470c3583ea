"""The library as a program embeds it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import netspec
from netspec.language.source import Source

SPEC = "input 4\ndense(8, relu) -> dropout(0.1) -> dense(3, softmax)"


def arrays(count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = rng.normal(size=(count, 4)).astype(np.float32) + 3 * np.eye(4, dtype=np.float32)[y]
    return x, y


def test_public_names() -> None:
    assert len(netspec.__all__) <= 10
    assert all(hasattr(netspec, name) for name in netspec.__all__)


def test_a_path_is_a_file_and_other_text_is_the_spec(tmp_path: Path) -> None:
    file = tmp_path / "small.net"
    file.write_text(SPEC)
    for spec in (file, str(file), SPEC):
        assert netspec.compile(spec).cost.trainable == 67
        assert netspec.check(spec) == []
        assert len(netspec.parse(spec).statements) == 2
    assert netspec.compile(file).name == "small"
    with pytest.raises(netspec.CompileError, match="NS109"):
        netspec.compile(tmp_path / "missing.net")


def test_errors_carry_the_diagnostics() -> None:
    with pytest.raises(netspec.CompileError) as caught:
        netspec.compile("input 4\ndens(8) -> dense(3, sofmax)")
    codes = [d.code for d in caught.value.diagnostics]
    assert codes == ["NS201", "NS201"]
    assert "did you mean `dense`?" in str(caught.value)
    shown = caught.value._render_traceback_()
    assert any("\x1b[1;31m" in line for line in shown), "a notebook shows colours"
    assert [d.code for d in netspec.check("input 4\ndens(8)")] == ["NS201"]


def test_params_and_input() -> None:
    model = netspec.compile("param n = 3\ndense(n)", params={"n": 5}, input="7")
    assert model.inputs["x"].sizes == (7,) and model.outputs["output"].sizes == (5,)


def test_train_with_params(tmp_path: Path) -> None:
    spec = "param units = 3\ninput 4\ndense(units, relu) -> dense(3, softmax)"
    result = netspec.train(spec, arrays(), params={"units": 5}, epochs=1, runs=tmp_path)
    assert result.model.cost.trainable == 4 * 5 + 5 + 5 * 3 + 3
    assert netspec.load(result.run).cost.trainable == result.model.cost.trainable
    with pytest.raises(netspec.CompileError, match=r'params=\{"units"') as caught:
        netspec.train(spec, arrays(), units=5, runs=tmp_path)
    assert [d.code for d in caught.value.diagnostics] == ["NS202"]


def test_train_with_arrays_and_load(tmp_path: Path) -> None:
    x, y = arrays()
    model = netspec.compile(SPEC)
    result = netspec.train(model, (x, y, x[:30], y[:30]), epochs=40, optimizer="adam(0.02)", runs=tmp_path)
    assert result.epochs == 40 and result.metrics["test_accuracy"] > 0.8
    before = np.asarray(result.model(x))
    again = netspec.load(result.run)
    np.testing.assert_array_equal(np.asarray(again(x)), before)
    assert before.sum(axis=1) == pytest.approx(1, abs=1e-5)


def test_train_takes_dicts_for_several_inputs_and_outputs(tmp_path: Path) -> None:
    x, y = arrays()
    spec = """
    input a: 4
    input b: 4
    h = (a | b) -> concat -> dense(16, relu)
    output kind = h -> dense(3, softmax)
    output size = h -> dense(2)
    """
    data = {"a": x, "b": x[:, ::-1].copy()}, {"kind": y, "size": x[:, :2]}
    result = netspec.train(netspec.compile(spec), data, epochs=30, optimizer="adam(0.01)", runs=tmp_path)
    assert result.metrics["test_kind_accuracy"] > 0.7
    found = result.model(data[0]["a"], data[0]["b"])
    assert found["kind"].shape == (90, 3) and found["size"].shape == (90, 2)


def test_wrong_settings_and_data(tmp_path: Path) -> None:
    x, y = arrays()
    model = netspec.compile(SPEC)
    for wrong, code in (
        ({"epoch": 3}, "NS202"),
        ({"epochs": 0}, "NS206"),
        ({"optimizer": "adma(1e-3)"}, "NS201"),
        ({"stop": "early(val_loss)"}, "NS4"),
    ):
        with pytest.raises(netspec.CompileError, match=code):
            netspec.train(model, (x, y), runs=tmp_path, **wrong)
    for data, code in (((x[:, :3], y), "NS430"), ((x, y + 1), "NS43"), ((x[:10], y), "NS414")):
        with pytest.raises(netspec.CompileError, match=code):
            netspec.train(model, data, runs=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_loaded_model_normalises_as_in_training(tmp_path: Path) -> None:
    spec = "input 4\ndense(3, softmax)\ndata {\n    source = iris\n    normalize = standard\n}"
    result = netspec.train(spec, epochs=60, optimizer="adam(0.05)", runs=tmp_path)
    flower = np.array([[5.1, 3.5, 1.4, 0.2]], np.float32)
    for model in (result.model, netspec.load(result.run)):
        assert model(flower).argmax() == 0, "setosa, the first row of the data"


def test_train_leaves_the_trained_weights_in_the_model(tmp_path: Path) -> None:
    x, y = arrays()
    model = netspec.compile(SPEC)
    result = netspec.train(model, (x, y), epochs=20, optimizer="adam(0.02)", runs=tmp_path)
    np.testing.assert_array_equal(np.asarray(model(x)), np.asarray(result.model(x)))


def test_a_source_that_is_not_used_is_told(tmp_path: Path) -> None:
    x, y = arrays()
    spec = SPEC + "\ndata { source = iris }\ntrain { epochs = 1 }"
    result = netspec.train(netspec.compile(spec), (x, y), runs=tmp_path)
    assert "NS425" in [problem.code for problem in result.problems]


def test_resume_equals_one_run(tmp_path: Path) -> None:
    """Two epochs, then three more, are five at once, bit for bit."""
    from netspec.runs.resume import resume_run

    text = SPEC + "\ndata { source = iris }\ntrain { epochs = 5 }"
    whole = netspec.train(text, runs=tmp_path)
    short = netspec.train(text, epochs=2, runs=tmp_path)
    longer = resume_run(short.run, overrides={"train.epochs": "5"})
    assert longer.epochs == 5
    weights = [(r.run / "weights.safetensors").read_bytes() for r in (whole, longer)]
    assert weights[0] == weights[1]


def test_resume_of_a_run_on_arrays(tmp_path: Path) -> None:
    whole = netspec.train(SPEC, arrays(), epochs=5, runs=tmp_path)
    short = netspec.train(SPEC, arrays(), epochs=2, runs=tmp_path)
    model = netspec.compile(SPEC)
    longer = netspec.train(model, arrays(), epochs=5, resume=short.run)
    weights = [(r.run / "weights.safetensors").read_bytes() for r in (whole, longer)]
    assert weights[0] == weights[1] and longer.run == short.run
    np.testing.assert_array_equal(np.asarray(model(arrays()[0])), np.asarray(whole.model(arrays()[0])))
    x, y = arrays()
    with pytest.raises(netspec.CompileError, match="NS478"):
        netspec.train(SPEC, (x + 1, y), epochs=6, resume=short.run)
    with pytest.raises(netspec.CompileError, match="train batch: 32 → 8"):
        netspec.train(SPEC, arrays(), epochs=5, batch=8, resume=short.run)


def test_penalties_reach_shared_layers(tmp_path: Path) -> None:
    x, y = arrays()
    spec = """
    input a: 4
    input b: 4
    share tower = dense(8, relu, l2 = 0.5) -> dense(4)
    def outer(n) = tower -> dense(n)
    (a -> tower | b -> outer(3)) -> concat -> dense(3, softmax)
    """
    data = {"a": x, "b": x}, y
    settings = {"epochs": 30, "optimizer": "adam(0.02)", "runs": tmp_path}
    plain = netspec.train(netspec.compile(spec.replace("0.5", "0")), data, **settings)
    heavy = netspec.train(netspec.compile(spec), data, **settings)
    norm = [float((r.model.module.tower.dense.kernel[...] ** 2).sum()) for r in (plain, heavy)]
    assert norm[1] < 0.3 * norm[0]


def test_a_source_is_read_once(tmp_path: Path) -> None:
    source = Source("<x>", "a\nbb\n")
    assert (source.position(3).line, source.position(3).column) == (2, 2)
