"""Run folders: whole or not there, never written over, readable again."""

from __future__ import annotations

import json
import math
import stat
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest

from netspec.language.diagnostics import CompileError
from netspec.storage import run_lock as lock
from netspec.storage.run_folder import Run, plain, read_run
from netspec.storage.tree_paths import Weights
from netspec.storage.weights import fit_weights, load_weights
from netspec.training.loop.evaluate import evaluate
from netspec.training.loop.loop import fit
from netspec.training.step.engine import Engine
from tests.training.disk import fill_disk
from tests.training.nets import class_job, same


def code(caught: pytest.ExceptionInfo[CompileError]) -> str:
    return caught.value.diagnostics[0].code


def test_a_run_explains_itself(tmp_path: Path) -> None:
    job = class_job()
    run = Run.create(tmp_path / "runs", "net", {"spec.net": "dense(3)", "model.py": "# code"}, job.recipe.describe())
    result = fit(job, run=run)
    names = {p.name for p in run.path.iterdir()}
    assert names >= {
        "spec.net", "model.py", "settings.json", "metrics.jsonl", "weights.safetensors", "checkpoints", "versions.json",
        "log.txt",
    }  # fmt: skip
    found = read_run(run.path)
    assert found.settings == job.recipe.describe()
    assert found.text("spec.net") == "dense(3)"
    assert [r["epoch"] for r in found.history] == [1, 2, 3]
    assert found.done is not None and found.done["metrics"]["test_accuracy"] == result.metrics["test_accuracy"]
    assert found.versions["jax"] and found.versions["device"]
    assert "started at epoch 1" in (run.path / "log.txt").read_text()


def test_weights_answer_as_before(tmp_path: Path) -> None:
    job = class_job()
    run = Run.create(tmp_path, "net", {}, {})
    result = fit(job, run=run)
    arrays = load_weights(run.path)
    assert set(arrays) == {
        "dense1/kernel", "dense1/bias", "norm/scale", "norm/bias", "dense2/kernel", "dense2/bias",
        "@state/norm/mean", "@state/norm/var",
    }  # fmt: skip
    engine = Engine(job)
    first = engine.start()
    weights = fit_weights(arrays, Weights(first["params"], first["other"]), "here")
    assert same(weights, result.weights)
    assert job.test is not None
    assert evaluate(engine, weights, job.test, prefix="test_")["test_loss"] == result.metrics["test_loss"]


def test_weights_of_another_net(tmp_path: Path) -> None:
    job = class_job()
    first = Engine(job).start()
    like = Weights(first["params"], first["other"])
    with pytest.raises(CompileError) as caught:
        fit_weights({"dense1/kernel": np.zeros((8, 17))}, like, "w.safetensors")
    assert code(caught) == "NS474"


@pytest.mark.parametrize("content", [None, b"", b"not safetensors at all"])
def test_damaged_weights(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "weights.safetensors").write_bytes(content)
    with pytest.raises(CompileError) as caught:
        load_weights(tmp_path)
    assert code(caught) == "NS475"


def test_no_run_is_written_over(tmp_path: Path) -> None:
    paths = [Run.create(tmp_path, "net", {"a": str(i)}, {}).path for i in range(3)]
    assert [p.name for p in paths] == ["net-1", "net-2", "net-3"]
    assert [(p / "a").read_text() for p in paths] == ["0", "1", "2"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net-1", "net-2", "net-3"]  # nothing left beside them


def _create(argument: tuple[str, int]) -> tuple[str, str]:
    root, number = argument
    run = Run.create(Path(root), "net", {"who": str(number)}, {})
    return run.path.name, (run.path / "who").read_text()


def test_parallel_starts_get_folders_of_their_own(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(_create, [(str(tmp_path), i) for i in range(12)]))
    assert len({name for name, _ in found}) == 12
    assert [int(who) for _, who in found] == list(range(12))


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(CompileError) as caught:
        Run.create(blocked, "net", {}, {})
    assert code(caught) == "NS477"


@pytest.mark.parametrize("room", [0, 3])
def test_a_full_disk_leaves_no_folder_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    with monkeypatch.context() as patch, pytest.raises(CompileError) as caught:
        fill_disk(patch, room)
        Run.create(tmp_path, "net", {"spec.net": "dense(3)"}, {})
    assert code(caught) == "NS477" and "No space left on device" in caught.value.diagnostics[0].message
    assert [*tmp_path.iterdir()] == []


def test_records_are_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    run.add_record({"event": "epoch", "epoch": 1})
    with monkeypatch.context() as patch:
        fill_disk(patch, 5)
        for write in (
            lambda: run.add_record({"event": "epoch"}),
            lambda: run.write_history([{"a": 1}]),
            lambda: run.log("x"),
        ):
            with pytest.raises(CompileError) as caught:
                write()
            assert code(caught) == "NS477"
    assert [r["epoch"] for r in read_run(run.path).history] == [1]
    assert not [p for p in run.path.iterdir() if p.name.endswith(".tmp")]


def test_one_process_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    monkeypatch.setattr(lock, "PATIENCE", 0.1)
    assert not lock.is_locked(run.path)
    with lock.locked(run.path):
        run.log(f"started at epoch 1, step 0 ({lock.this_process()})")
        assert lock.is_locked(run.path)
        with pytest.raises(CompileError) as caught:
            fit(class_job(), run=run, resume=True)
    assert code(caught) == "NS491"
    assert caught.value.diagnostics[0].message.endswith(f"is being trained by {lock.this_process()}")
    assert not lock.is_locked(run.path)
    assert not lock.is_locked(tmp_path / "missing")


def test_folders_can_be_read_by_others(tmp_path: Path) -> None:
    assert stat.S_IMODE(Run.create(tmp_path, "net", {}, {}).path.stat().st_mode) == 0o755


def test_what_is_no_run(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CompileError) as caught:
            read_run(path)
        assert code(caught) == "NS473"


def test_damaged_metrics(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    (run.path / "metrics.jsonl").write_text('{"event": "ep\n')
    with pytest.raises(CompileError) as caught:
        read_run(run.path)
    assert code(caught) == "NS475"


def test_a_last_line_that_was_cut_off_does_not_count(tmp_path: Path) -> None:
    run = Run.create(tmp_path, "net", {}, {})
    run.add_record({"event": "epoch", "epoch": 1})
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"event": "ep')
    assert [r["epoch"] for r in read_run(run.path).history] == [1]


def test_json_has_no_numbers_that_are_not_finite() -> None:
    assert (
        json.dumps(plain({"a": [math.nan, 1.5], "b": (math.inf,)}), allow_nan=False)
        == '{"a": [null, 1.5], "b": [null]}'
    )
