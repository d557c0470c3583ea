"""Iterables of batches: the numbers of the same arrays passed whole, loaders of other libraries, errors, resuming."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from sklearn.metrics import accuracy_score, r2_score

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError
from netspec.storage.run_folder import read_run

RNG = np.random.default_rng(0)
X = RNG.normal(size=(50, 6)).astype(np.float32)
Y = (X[:, 0] + X[:, 1] > 0).astype(np.int64)
SPEC = """
input 6
dense(8, relu) -> dropout(0.2) -> dense(2, softmax)
data {
    normalize = none
}
train {
    epochs = 2
    batch = 16
    optimizer = adam(0.01)
}
"""
LINEAR = """
input 6
dense(1)
data {
    normalize_targets = none
}
train {
    epochs = 2
    optimizer = sgd(0.1)
}
"""


def batches() -> Iterator[tuple[Any, Any]]:
    """The examples in their order, the last two alone."""
    for begin in range(0, 50, 16):
        yield X[begin : begin + 16], Y[begin : begin + 16]


def train(spec: str, data: Any, folder: Path, **options: Any) -> Any:
    return netspec.train(spec, data, runs=folder, verbose=0, **options)


def weights(result: Any) -> list[Any]:
    return [np.asarray(leaf) for leaf in jax.tree.leaves(result.model.variables["params"])]


def assert_same(one: Any, other: Any) -> None:
    for a, b in zip(weights(one), weights(other), strict=True):
        np.testing.assert_array_equal(a, b)


def codes(work: Callable[[], Any]) -> list[str]:
    with pytest.raises(CompileError) as caught:
        work()
    return [diagnostic.code for diagnostic in caught.value.diagnostics]


# ---------------------------------------------------------------- the same numbers


@pytest.mark.parametrize("normalize", ["none", "standard"])
def test_equals_arrays_passed_whole(tmp_path: Path, normalize: str) -> None:
    spec = SPEC.replace("normalize = none", f"normalize = {normalize}")
    whole = train(spec.replace("data {", "data {\n    shuffle = false"), (X, Y, X[:20], Y[:20]), tmp_path)
    given = train(spec, {"train": batches, "test": [(X[:13], Y[:13]), (X[13:20], Y[13:20])]}, tmp_path)
    assert given.history["loss"] == whole.history["loss"] and given.history["accuracy"] == whole.history["accuracy"]
    assert given.metrics["test_loss"] == pytest.approx(whole.metrics["test_loss"], rel=1e-6)
    assert given.metrics["test_confusion_matrix"] == whole.metrics["test_confusion_matrix"]
    assert_same(given, whole)


def test_steps_of_gradient_descent_computed_by_hand(tmp_path: Path) -> None:
    """Epochs of different length, of batches of different size, as a function of the epoch gives them."""
    targets = (X @ np.arange(6) + 2).astype(np.float32)

    def given(epoch: int) -> Iterator[tuple[Any, Any]]:
        for begin in range(0, 50, 20 - 8 * epoch):
            rows = slice(begin, begin + 20 - 8 * epoch)
            yield X[rows], targets[rows]

    model = netspec.compile(LINEAR)
    (bias, kernel) = (np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(model.variables["params"]))
    result = train(LINEAR, given, tmp_path)
    losses = []
    for epoch in range(2):
        total = 0.0
        for x, y in given(epoch):
            errors = x @ kernel + bias - y[:, None]
            total += float((errors**2).sum())
            kernel, bias = kernel - 0.2 * x.T @ errors / len(x), bias - 0.2 * errors.mean(axis=0)
        losses.append(total / 50)
    np.testing.assert_allclose(weights(result)[1], kernel, rtol=1e-4)
    np.testing.assert_allclose(result.history["loss"], losses, rtol=1e-4)
    predicted = netspec.predict(result.run, lambda: (X[i : i + 7] for i in range(0, 50, 7))).values[:, 0]
    np.testing.assert_allclose(predicted, X @ kernel[:, 0] + bias, rtol=1e-3, atol=1e-3)
    found = netspec.evaluate(result.run, lambda: ((X[i : i + 7], targets[i : i + 7]) for i in range(0, 50, 7)))
    assert found["test_r2"] == pytest.approx(r2_score(targets, predicted), rel=1e-4)


def test_validation_of_every_epoch_and_several_inputs_by_name(tmp_path: Path) -> None:
    spec = """
    input left: 6
    input right: 3
    h = (left | right) -> concat -> dense(4, relu)
    output side = h -> dense(2, softmax)
    train {
        epochs = 2
        stop = early(val_loss)
    }
    """
    data = [{"right": X[i : i + 25, :3], "side": Y[i : i + 25], "left": X[i : i + 25]} for i in (0, 25)]
    result = train(spec, (data, data), tmp_path)
    assert len(result.history["val_accuracy"]) == 2
    predicted = netspec.predict(result.run, {"left": X, "right": X[:, :3]}).classes
    best = result.history["val_accuracy"][result.best_epoch - 1]
    assert best == pytest.approx(accuracy_score(Y, predicted))
    assert netspec.evaluate(result.run, lambda: data)["test_accuracy"] == pytest.approx(best)
    whole = ({"left": X, "right": X[:, :3]}, {"side": Y})
    assert netspec.evaluate(result.run, whole)["test_accuracy"] == pytest.approx(best)


def test_batches_are_read_by_one_thread_ahead_of_the_steps(tmp_path: Path) -> None:
    names, is_closed = [], []

    def given() -> Iterator[Any]:
        try:
            for batch in batches():
                names.append(threading.current_thread().name)
                yield batch
        finally:
            is_closed.append(True)

    train(SPEC, given, tmp_path)
    assert len(set(names[-4:])) == 1 and names[-1].startswith("netspec-read")
    assert len(is_closed) == 3  # the look at the first batch, and two epochs


def test_schedules_count_the_steps_of_a_known_length(tmp_path: Path) -> None:
    spec = SPEC.replace("batch = 16", "batch = 16\n    schedule = cosine")
    whole = train(spec.replace("data {", "data {\n    shuffle = false"), (X, Y, X[:5], Y[:5]), tmp_path)
    assert_same(train(spec, list(batches()), tmp_path), whole)
    assert codes(lambda: train(spec, batches, tmp_path)) == ["NS667"]


# ---------------------------------------------------------------- libraries


def test_loader_of_pytorch_with_workers(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    data = torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y))
    options = {"num_workers": 1, "multiprocessing_context": "forkserver", "persistent_workers": True}
    loader = torch.utils.data.DataLoader(data, batch_size=16, **options)
    result = train(SPEC, (loader, torch.utils.data.DataLoader(data, batch_size=20)), tmp_path)
    assert_same(result, train(SPEC, (batches, [(X[:20], Y[:20]), (X[20:40], Y[20:40]), (X[40:], Y[40:])]), tmp_path))
    assert codes(lambda: train(SPEC, data, tmp_path)) == ["NS665"]


def test_data_sets_of_hugging_face(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"x": datasets.Sequence(datasets.Value("float32")), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    rows = datasets.Dataset.from_dict({"x": X.tolist(), "label": Y.tolist()}, features=features)
    spec = SPEC.replace("dense(2,", "dense(classes,")
    result = train(spec, datasets.DatasetDict({"train": rows, "validation": rows}), tmp_path)
    assert "val_loss" in result.history.columns and netspec.load(result.run).class_names == {"output": ["no", "yes"]}

    def drawn(epoch: int) -> Iterator[Any]:
        order = np.asarray(rows.select_columns("label").add_column("n", range(50)).shuffle(
            seed=np.random.default_rng((0, epoch)))["n"])  # fmt: skip
        yield from ((X[order[i : i + 16]], Y[order[i : i + 16]]) for i in range(0, 50, 16))

    assert_same(result, train(SPEC, (drawn, [(X, Y)]), tmp_path))
    streamed = train(SPEC, rows.to_iterable_dataset(), tmp_path)
    assert_same(streamed, train(SPEC, batches, tmp_path))


def test_data_sets_of_grain(tmp_path: Path) -> None:
    grain = pytest.importorskip("grain")
    data = grain.MapDataset.source([(X[i], Y[i]) for i in range(50)])
    expected = train(SPEC, batches, tmp_path)
    assert_same(train(SPEC, data.batch(16), tmp_path), expected)
    assert_same(train(SPEC, data.to_iter_dataset().batch(16), tmp_path), expected)
    assert codes(lambda: train(SPEC, data, tmp_path)) == ["NS665"]
    assert codes(lambda: train(SPEC, data.repeat().batch(16), tmp_path)) == ["NS665"]


# ---------------------------------------------------------------- errors


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("NS665", batches()),
        ("NS665", lambda: iter(())),
        ("NS665", lambda: 5),
        ("NS665", lambda: [(X, Y, Y)]),
        ("NS665", lambda: ["text"]),
        ("NS665", lambda: [(X[0], Y[0])]),
        ("NS666", [(X, Y[:4])]),
        ("NS666", [(X, Y), (X[:, :3], Y)]),
        ("NS666", [(X, Y), (X, Y + 0.5)]),
        ("NS666", lambda: [(X, Y), ({"a": X, "b": X}, Y)]),
        ("NS434", [(X, Y), (X, Y + 7)]),
        ("NS666", [(X, Y), (X, np.array([0, 1, 2, 1] * 12 + [0, 2]))]),
        ("NS437", [(X, Y), (X * np.nan, Y)]),
        ("NS430", [(X[:, :3], Y)]),
        ("NS434", [(X, Y + 7)]),
        ("NS426", lambda: [X, X]),
    ],
)
def test_wrong_batches(tmp_path: Path, code: str, data: Any) -> None:
    assert codes(lambda: train(SPEC, data, tmp_path)) == [code]


def test_a_function_that_returns_the_same_iterator(tmp_path: Path) -> None:
    once = iter([*batches(), *batches()])
    assert codes(lambda: train(SPEC, lambda: once, tmp_path, epochs=3)) == ["NS665"]


def test_an_exception_of_the_iterable_is_that_of_the_caller(tmp_path: Path) -> None:
    def broken() -> Iterator[Any]:
        yield from batches()
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        train(SPEC, broken, tmp_path)


@pytest.mark.parametrize(
    ("setting", "key"),
    [("val = 10%", "val"), ("test = 10%", "test"), ("limit = 10", "limit"), ("repeat = 2", "repeat"),
     ("folds = 3", "folds"), ("class_weights = balanced", "class_weights"), ("class_ids = auto", "class_ids")],
)  # fmt: skip
def test_settings_that_need_all_examples(tmp_path: Path, setting: str, key: str) -> None:
    with pytest.raises(CompileError, match=f"`{key}` cannot be used with an iterable") as caught:
        train(SPEC.replace("normalize = none", setting), batches, tmp_path)
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["NS667"]


def test_statistics_of_the_first_examples_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.data.prepare_batches.STATISTICS_EXAMPLES", 20)
    result = train(SPEC.replace("= none", "= standard"), batches, tmp_path)
    assert [problem.code for problem in result.problems] == ["NS668"]
    assert "the first 32 examples" in result.problems[0].message
    scale = netspec.load(result.run).preprocessing.normalization
    np.testing.assert_allclose(next(iter(scale.values())).mean, X[:32].mean(axis=0), rtol=1e-4)


def test_settings_without_effect_are_told(tmp_path: Path) -> None:
    spec = SPEC.replace("normalize = none", "shuffle = true\n    val = 10%").replace("batch = 16", "batch = 8")
    result = train(spec, (batches, batches), tmp_path)
    told = {problem.message.split("`")[1] for problem in result.problems if problem.code == "NS422"}
    assert told == {"shuffle", "val", "batch"}


def test_a_loss_that_is_not_finite_names_the_layer(tmp_path: Path) -> None:
    with pytest.raises(CompileError, match="diverged in epoch 1, step 2: first in the layer `dense_2`"):
        train(SPEC.replace("adam(0.01)", "sgd(1e30)"), batches, tmp_path)


# ---------------------------------------------------------------- resuming, and several runs


@pytest.mark.usefixtures("default_signals")
def test_resumes_at_the_beginning_of_an_epoch_bit_for_bit(tmp_path: Path) -> None:
    whole = train(SPEC, batches, tmp_path, epochs=4)
    count = 0

    def interrupted() -> Iterator[Any]:
        nonlocal count
        for batch in batches():
            count += 1
            if count == 11:  # one that was looked at, and those of epochs 1 and 2
                os.kill(os.getpid(), signal.SIGINT)
            yield batch

    part = train(SPEC, interrupted, tmp_path, epochs=4)
    assert part.interrupted and 1 <= part.epochs <= 3
    result = netspec.resume(part.run, batches, verbose=0)
    assert not result.interrupted and result.history["loss"] == whole.history["loss"]
    assert_same(result, whole)


def test_another_order_after_a_resume_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    random = np.random.default_rng(1)

    def shuffled() -> list[Any]:
        order = random.permutation(50)
        return [(X[order[i : i + 16]], Y[order[i : i + 16]]) for i in range(0, 50, 16)]

    for data, is_told in ((shuffled, True), (batches, False)):
        result = train(SPEC, data, tmp_path)
        capsys.readouterr()
        netspec.resume(result.run, data, epochs=3)
        assert ("NS669" in "".join(capsys.readouterr())) == is_told
    assert codes(lambda: netspec.resume(result.run, [(X[:, :3], Y)], epochs=4, verbose=0)) == ["NS430"]


def test_seeds_sweeps_and_cross_validation(tmp_path: Path) -> None:
    result = netspec.train_seeds(SPEC, batches, runs=tmp_path, seeds=2, verbose=0)
    single = train(SPEC, batches, tmp_path, seed=1)
    assert result.spreads["loss"].values[1] == single.metrics["loss"]
    swept = netspec.sweep(SPEC, (batches, batches), {"rate": [0.1, 0.01]}, runs=tmp_path, verbose=0)
    assert swept.table["val_loss"][1] == train(SPEC, (batches, batches), tmp_path).metrics["val_loss"]
    assert codes(lambda: netspec.cross_validate(SPEC, batches, folds=3, runs=tmp_path, verbose=0)) == ["NS667"]


def test_autoencoders_have_batches_of_inputs(tmp_path: Path) -> None:
    spec = LINEAR.replace("dense(1)", "dense(3) -> dense(6)").replace("normalize_targets = none", "target = input")
    whole = train(spec.replace("data {", "data {\n    shuffle = false"), {"x": X, "x_test": X}, tmp_path, batch=25)
    assert_same(train(spec, lambda: [X[:25], X[25:]], tmp_path), whole)


def test_commands_on_a_run_of_an_iterable(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = train(SPEC, batches, tmp_path).run
    assert run(["eval", str(path)]) == 1 and "NS423" in capfd.readouterr().err
    assert run(["train", "--resume", str(path), "-D", "train.epochs=3"]) == 1 and "NS423" in capfd.readouterr().err
    assert run(["runs", "--runs", str(tmp_path)]) == 0 and path.name in capfd.readouterr().out
    assert run(["report", str(path), "-o", str(tmp_path / "report.html")]) == 0
    assert run(["predict", str(path), "1,2,3,4,5,6"]) == 0
    assert "train" not in read_run(path).settings["parts"]
