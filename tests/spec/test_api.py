"""The library as a program embeds it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_iris

import netspec
from netspec.cli.main import run
from netspec.data.dataset.from_arrays import dataset_of
from netspec.language.source import Source

SPEC = "input 4\ndense(8, relu) -> dropout(0.1) -> dense(3, softmax)"


def arrays(count: int = 90) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    y = np.arange(count) % 3
    x = rng.normal(size=(count, 4)).astype(np.float32) + 3 * np.eye(4, dtype=np.float32)[y]
    return x, y


def test_public_names() -> None:
    functions = {
        "parse",
        "check",
        "compile",
        "convert",
        "draw",
        "export",
        "import_model",
        "look",
        "new",
        "plot",
        "report",
        "train",
        "resume",
        "evaluate",
        "generate",
        "predict",
        "load",
        "train_seeds",
        "cross_validate",
        "dry_run",
        "overfit_batch",
        "resume_cross_validation",
        "resume_seeds",
        "serve",
        "tune",
        "sweep",
    }
    classes = {
        "Callback",
        "CompileError",
        "Diagnostic",
        "FoldsResult",
        "Imported",
        "Look",
        "MLflow",
        "Model",
        "Predictions",
        "Profiler",
        "Report",
        "Result",
        "SearchResult",
        "SeedsResult",
        "SweepResult",
        "WandB",
    }
    assert set(netspec.__all__) == functions | classes
    assert all(callable(getattr(netspec, name)) for name in netspec.__all__)
    assert set(dir(netspec)) == {*netspec.__all__, "__version__"}
    with pytest.raises(AttributeError, match=r"no attribute 'layer'; it is in `netspec.extend`"):
        _ = netspec.layer
    with pytest.raises(AttributeError, match=r"no attribute 'fit'$"):
        _ = netspec.fit


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


def test_only_near_names_are_suggested_for_a_file_that_is_not_there(tmp_path: Path) -> None:
    for name in ("t04.net", "digits.net"):
        (tmp_path / name).write_text("input 8\n\ndense(2)\n")
    for missing, hint in {
        "digit.net": f"did you mean `{tmp_path / 'digits.net'}`?",
        "mnist.net": f"spec files there: {tmp_path / 'digits.net'}, {tmp_path / 't04.net'}",
    }.items():
        with pytest.raises(netspec.CompileError) as caught:
            netspec.check(tmp_path / missing)
        assert caught.value.diagnostics[0].hint_text == hint


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


def test_a_loaded_model_normalizes_as_in_training(tmp_path: Path) -> None:
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
    text = SPEC + "\ndata { source = iris }\ntrain { epochs = 5 }"
    whole = netspec.train(text, runs=tmp_path)
    short = netspec.train(text, epochs=2, runs=tmp_path)
    longer = netspec.resume(short.run, epochs=5)
    assert longer.epochs == 5 and longer.run == short.run
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
    with pytest.raises(netspec.CompileError, match="NS478"):
        netspec.resume(short.run, (x + 1, y), epochs=6)
    epochs: list[int] = []

    class Count(netspec.Callback):
        def epoch(self, record: Any) -> None:
            epochs.append(record["epoch"])

    assert netspec.resume(str(short.run), arrays(), epochs=7, callbacks=[Count()]).epochs == 7
    assert epochs == [6, 7]
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


# ---------------------------------------------------------------- evaluate and predict

IRIS = """
input 4
dense(8, relu) -> dense(3, softmax)
data {
    source    = iris
    normalize = standard
    val       = 20%
}
train {
    epochs    = 5
    optimizer = adam(0.05)
}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> netspec.Result:
    return netspec.train(IRIS, runs=tmp_path_factory.mktemp("runs"))


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Any]:
    """What the command line prints with `--json`."""
    assert run([*arguments, "--json"]) == 0
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_evaluate_gives_the_numbers_of_the_command_line(
    trained: netspec.Result, split: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    (record,) = printed(capsys, "eval", str(trained.run), "--split", split)
    metrics = netspec.evaluate(trained.run, split=split)
    assert json.loads(json.dumps(metrics)) == record["metrics"]
    assert netspec.evaluate(trained.model, split=split) == metrics == netspec.evaluate(str(trained.run), split=split)
    assert netspec.evaluate(netspec.load(trained.run), split=split) == metrics
    if split == "test":
        assert metrics == {name: value for name, value in trained.metrics.items() if name.startswith("test_")}


def test_evaluate_takes_other_data(trained: netspec.Result, tmp_path: Path) -> None:
    """Arrays are evaluated whole, normalized as in training; the numbers are those of the predictions."""
    iris = load_iris()
    x, y = iris.data.astype(np.float32)[::2], iris.target[::2]
    for model in (trained.run, trained.model):
        metrics = netspec.evaluate(model, (x, y))
        probabilities = netspec.predict(model, x).outputs["output"]
        assert metrics["test_accuracy"] == pytest.approx(np.mean(probabilities.argmax(axis=1) == y), abs=1e-7)
        loss = -np.log(probabilities[np.arange(len(y)), y]).mean()
        assert metrics["test_loss"] == pytest.approx(loss, rel=1e-5)
        assert netspec.evaluate(model, (x, y, x[:9], y[:9]))["test_loss"] == pytest.approx(
            -np.log(probabilities[np.arange(9), y[:9]]).mean(), rel=1e-5
        )
        one = netspec.evaluate(model, (x[:1], y[:1]))
        assert one["test_loss"] == pytest.approx(-np.log(probabilities[0, y[0]]), rel=1e-4)
    rows = "\n".join(",".join(map(str, (*row, kind))) for row, kind in zip(x, iris.target_names[y], strict=True))
    (tmp_path / "more.csv").write_text(f"a,b,c,d,kind\n{rows}\n")
    source = f'csv("{tmp_path}/more.csv", target = "kind")'
    assert 0 <= netspec.evaluate(trained.run, source)["test_accuracy"] <= 1
    assert netspec.evaluate(netspec.compile(IRIS))["test_loss"] > netspec.evaluate(trained.run)["test_loss"]


def test_evaluate_does_not_advise_to_change_the_spec_of_a_run(trained: netspec.Result) -> None:
    with pytest.raises(netspec.CompileError, match="the run was trained on 4: evaluate it on data of the same shape"):
        netspec.evaluate(trained.run, "digits")


def test_data_in_the_order_of_other_libraries() -> None:
    x, y = arrays()
    spec = netspec.compile(SPEC)
    for call, name in ((netspec.train, "train"), (netspec.evaluate, "evaluate")):
        with pytest.raises(
            TypeError, match=rf"data are one argument, a tuple of arrays: `netspec.{name}\(…, \(x, y\)\)`"
        ):
            call(spec, x, y)  # type: ignore[arg-type]
    with pytest.raises(netspec.CompileError, match=r"NS414.*\n.*`train_test_split` returns x, x_test, y, y_test"):
        netspec.train(spec, (x[:40], x[40:], y[:40], y[40:]), verbose=0)
    with pytest.raises(netspec.CompileError, match=r"NS414.*which seem to be swapped"):
        netspec.train(spec, (y, x), verbose=0)
    for one, several in ((x[:, 0], y), (x[:, 0], x[:, 1:]), (y, x[:, :1]), (y[:, None], x)):  # inputs of one number
        assert dataset_of((one, several)) is not None
    with pytest.raises(TypeError, match="not 3 of them"):
        netspec.train(spec, (x, y, x), verbose=0)
    for call in (lambda: netspec.train("dense(classes, softmax)", x), lambda: netspec.evaluate(spec, x)):
        with pytest.raises(netspec.CompileError) as caught:
            call()
        assert [problem.code for problem in caught.value.diagnostics] == ["NS426"]
    with pytest.raises(AttributeError, match=r"has no `fit`: call `netspec.train\(model, \(x, y\)\)`"):
        spec.fit(x, y)
    with pytest.raises(netspec.CompileError, match=r"NS423.*evaluate on(.|\n)*netspec.evaluate\(run, \(x, y\)\)"):
        netspec.evaluate(spec)


def test_evaluate_says_what_it_wants(trained: netspec.Result, tmp_path: Path) -> None:
    with pytest.raises(TypeError, match=r"a run folder .* or a Model, not an int"):
        netspec.evaluate(3)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"data are \(x, y\)"):
        netspec.evaluate(trained.run, 3)
    with pytest.raises(ValueError, match="'train', 'val' or 'test', not 'all'"):
        netspec.evaluate(trained.run, split="all")  # type: ignore[arg-type]
    with pytest.raises(netspec.CompileError, match="NS47"):
        netspec.evaluate(tmp_path / "none")
    with pytest.raises(netspec.CompileError, match="NS4"):
        netspec.evaluate(netspec.compile(SPEC))
    x, y = arrays()
    with pytest.raises(netspec.CompileError, match="NS430"):
        netspec.evaluate(trained.run, (x[:, :3], y))


def test_predict_gives_the_predictions_of_the_command_line(
    trained: netspec.Result, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = ["5.1,3.5,1.4,0.2", "6.3,3.3,6.0,2.5"]
    predictions = netspec.predict(trained.run, rows)
    assert json.loads(json.dumps(list(predictions.examples))) == printed(capsys, "predict", str(trained.run), *rows)
    assert len(predictions) == 2 and predictions.warnings == []
    x = np.array([[float(cell) for cell in row.split(",")] for row in rows], np.float32)
    for model in (trained.run, trained.model):
        by_array = netspec.predict(model, x)
        np.testing.assert_array_equal(by_array.outputs["output"], predictions.outputs["output"])
        kinds = [example["outputs"]["output"]["class"] for example in by_array.examples]
        assert kinds == [example["outputs"]["output"]["class"] for example in predictions.examples]
        assert [example["input"] for example in by_array.examples] == ["1", "2"]
    np.testing.assert_array_equal(predictions.outputs["output"], np.asarray(trained.model(x)))
    np.testing.assert_array_equal(netspec.predict(trained.model, x.tolist()).outputs["output"], trained.model(x))
    (alone,) = netspec.predict(trained.run, rows[0]).examples
    assert alone["input"] == rows[0] and alone["outputs"]["output"]["class"] == "setosa"


def test_predict_by_hand() -> None:
    """A model that is not trained predicts as well: y = x W + b, and the classes are numbers."""
    model = netspec.compile("input a: 2\ninput b: 2\n(a | b) -> concat -> dense(3, softmax)")
    kernel, bias = (np.asarray(model.module.dense.kernel[...]), np.asarray(model.module.dense.bias[...]))
    a, b = (np.random.default_rng(seed).normal(size=(700, 2)).astype(np.float32) for seed in (1, 2))
    z = np.concatenate([a, b], axis=1) @ kernel + bias
    expected = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    predictions = netspec.predict(model, {"b": b, "a": a})
    np.testing.assert_allclose(predictions.outputs["output"], expected, rtol=1e-4, atol=1e-6)
    assert [e["outputs"]["output"]["class"] for e in predictions.examples] == [str(k) for k in expected.argmax(axis=1)]


def test_predict_reads_images_of_bytes_as_training_does(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (40, 3, 3), np.uint8)
    spec = "input 3x3x1\nflatten -> dense(2, softmax)\ntrain { epochs = 1 }"
    result = netspec.train(spec, (images, (images[:, 0, 0] > 127).astype(np.int32)), runs=tmp_path)
    scaled = images[..., None].astype(np.float32) / 255
    found = netspec.predict(result.run, images).outputs["output"]
    np.testing.assert_array_equal(found, netspec.predict(result.model, scaled).outputs["output"])


@pytest.mark.parametrize(
    ("inputs", "error", "message"),
    [
        (3, TypeError, "inputs are an array, a dict of arrays by input, or strings or paths"),
        (None, TypeError, "not a NoneType"),
        (np.zeros((2, 3)), ValueError, "NS480.*it has the shape 3, the network takes 4"),
        (np.zeros((0, 4)), ValueError, "at least one example"),
        (np.array(["a"]), ValueError, "array of numbers"),
        ([], ValueError, "at least one example"),
        ({"y": np.zeros((1, 4))}, ValueError, "give an array for each of x, not for y"),
        ("1,2,3", netspec.CompileError, "NS48"),
    ],
)
def test_predict_says_what_it_wants(trained: netspec.Result, inputs: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        netspec.predict(trained.run, inputs)


def test_the_other_functions_say_what_they_want() -> None:
    for function in (netspec.load, netspec.resume):
        with pytest.raises(TypeError, match=r"`run` is a run folder .* not an int"):
            function(3)  # type: ignore[operator]
    with pytest.raises(TypeError, match="`epochs` is an integer, not a str"):
        netspec.resume("runs/none", epochs="3")  # type: ignore[arg-type]
    for other in (netspec.parse, netspec.check, netspec.compile, netspec.train):
        with pytest.raises(TypeError, match=r"a spec is a file .* not a list"):
            other([])  # type: ignore[operator]


@pytest.mark.parametrize("text", ["input x: 4\noutput a = x -> dense(8)\n", "input 4\noutput a = dense(8)\n"])
def test_an_output_that_is_read_is_computed_once(text: str) -> None:
    """Of two layers with weights of their own, one would not be what the name says."""
    model = netspec.compile(text + "output b = a -> relu\n")
    assert model.cost.trainable == 40
    found = model(np.ones((1, 4), np.float32))
    np.testing.assert_array_equal(found["b"], np.maximum(found["a"], 0))
