"""MLflow and Weights & Biases, with their real packages: a database in the test's folder, and files written offline."""

from __future__ import annotations

import json
import struct
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.language.diagnostics import CompileError
from netspec.storage.run_folder import read_run
from netspec.training.loop.trackers.base import Tracker
from netspec.training.recipe import settings
from tests.training.workflows.conftest import SPEC


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A spec in the current folder, where trackers write to."""
    monkeypatch.chdir(tmp_path)
    for name in ("WANDB_API_KEY", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_EXPERIMENT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_CONFIG_DIR", str(tmp_path / "config"))
    monkeypatch.setenv("WANDB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("WANDB_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    Path("net.net").write_text(SPEC)
    return "net.net"


def train(net: str, *more: str) -> int:
    return run(["train", net, "--run-folder", "runs/a", "--no-report", "--json", *more])


def test_mlflow(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings, metrics, files; a run that is trained for longer continues; the artifacts are a run that evaluates."""
    mlflow = pytest.importorskip("mlflow")
    assert train(net, "-D", "train.mlflow=true") == 0
    identity = json.loads(Path("runs/a/trackers.json").read_text())["mlflow"]
    client = mlflow.MlflowClient(tracking_uri=identity["tracking_uri"])
    first = client.get_run(identity["run_id"])
    assert first.info.status == "FINISHED" and first.info.run_name == "a"
    assert client.get_experiment(first.info.experiment_id).name == "net"
    assert first.data.params["train.epochs"] == "3" and first.data.params["train.optimizer.rate"] == "0.001"
    assert run(["train", "--resume", "runs/a", "-D", "train.epochs=5", "--no-report", "--json"]) == 0
    (only,) = client.search_runs([first.info.experiment_id])
    assert only.info.run_id == identity["run_id"] and only.data.tags["train.epochs"] == "5"
    record = read_run(Path("runs/a"))
    assert record.done is not None
    for name in ("val_loss", "accuracy"):
        points = client.get_metric_history(identity["run_id"], name)
        expected = {epoch["epoch"]: epoch["metrics"][name] for epoch in record.history}
        assert len(points) == 5 and {point.step: point.value for point in points} == expected
    assert only.data.metrics["test_loss"] == record.done["metrics"]["test_loss"]
    copy = mlflow.artifacts.download_artifacts(run_id=identity["run_id"], artifact_path="run", dst_path="copy")
    capsys.readouterr()
    assert run(["eval", str(copy), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert printed["metrics"]["test_loss"] == pytest.approx(record.done["metrics"]["test_loss"], rel=1e-5)


def test_mlflow_from_python(net: str) -> None:
    """The arguments of the callback, a name with characters that MLflow refuses, and a run that the program started."""
    mlflow = pytest.importorskip("mlflow")
    x, y = np.eye(4, dtype=np.float32)[np.arange(16) % 4], np.arange(16) % 3

    class Odd(netspec.Callback):
        def on_metrics(self, training: Any, metrics: dict[str, Any]) -> None:
            metrics["€ (%)"] = 2.0

    tracker = netspec.MLflow(experiment="own", run_name="first", tags={"course": "vision"})
    quick = {"epochs": 1, "verbose": 0}
    netspec.train("input 4\ndense(3, softmax)", (x, y), callbacks=[Odd(), tracker], **quick)
    found = tracker.client.get_run(tracker.id)
    assert (found.info.run_name, found.data.tags["course"], found.data.metrics["_ ___"]) == ("first", "vision", 2.0)
    with mlflow.start_run() as active:
        netspec.train("input 4\ndense(3, softmax)", (x, y), callbacks=[netspec.MLflow()], **quick)
        assert "loss" in mlflow.get_run(active.info.run_id).data.metrics
        assert mlflow.get_run(active.info.run_id).info.status == "RUNNING"


def offline_records(folder: Path) -> list[Any]:
    """What the file of a run that was written offline has: records of protobuf in the log format of LevelDB, which
    are split into fragments (checksum, length, type) in blocks of 32 KiB; type 1 is a whole record, 4 its last part."""
    from wandb.proto import wandb_internal_pb2

    content = next(folder.glob("*.wandb")).read_bytes()
    at, parts, records = 7, b"", []
    while at + 7 <= len(content):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        _, length, kind = struct.unpack_from("<IHB", content, at)
        parts += content[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (1, 4):
            records.append(wandb_internal_pb2.Record.FromString(parts))
            parts = b""
    return records


def history_of(records: list[Any]) -> dict[int, float]:
    """The validation loss by step."""
    lines = [{i.nested_key[0] if i.nested_key else i.key: i.value_json for i in r.history.item} for r in records]
    return {int(line["epoch"]): float(line["val_loss"]) for line in lines if "val_loss" in line}


def test_wandb(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Without an API key: offline, with a warning. The file has settings, metrics and the artifact; a run that is
    trained for longer has the same id, and only the new epochs."""
    pytest.importorskip("wandb")
    assert train(net, "-D", "train.wandb=true") == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (warning,) = [line for line in printed if line.get("code") == "NS555"]
    assert "there is no API key" in warning["message"]
    assert run(["train", "--resume", "runs/a", "-D", "train.epochs=5", "--no-report", "--json"]) == 0
    losses = {epoch["epoch"]: epoch["metrics"]["val_loss"] for epoch in read_run(Path("runs/a")).history}
    first, second = (offline_records(path) for path in sorted(Path("wandb").glob("offline-run-*")))
    assert history_of(first) == {epoch: losses[epoch] for epoch in (1, 2, 3)}
    assert history_of(second) == {epoch: losses[epoch] for epoch in (4, 5)}
    started = [next(r.run for r in records if r.HasField("run")) for records in (first, second)]
    assert started[0].run_id == started[1].run_id == json.loads(Path("runs/a/trackers.json").read_text())["wandb"]["id"]
    assert (started[0].project, started[0].display_name) == ("net", "a")
    config = {item.key: item.value_json for item in started[0].config.update}
    assert config["train.batch"] == "32" and config["train.optimizer.rate"] == "0.001"
    requests = [r.request.log_artifact.artifact for r in first if r.request.HasField("log_artifact")]
    artifacts = [*requests, *(r.artifact for r in first if r.HasField("artifact"))]
    assert any("weights.safetensors" in {e.path for e in artifact.manifest.contents} for artifact in artifacts)


# ---------------------------------------------------------------- failures


class Flaky(Tracker):
    """A tracker whose calls fail while `is_down`."""

    title, key = "Flaky", "flaky"
    logged: dict[int, float] = {}
    ends: list[str] = []
    is_down: Any = ()

    def _call(self, name: str) -> None:
        if name in type(self).is_down:
            raise ConnectionError(f"{name}: no\nanswer")

    def open(self, run: Path, known: Any, config: Any) -> dict[str, Any]:
        self._call("open")
        return {"id": 1}

    def logged_epochs(self, epochs: Any) -> set[int]:
        return set(self.logged)

    def log(self, epoch: int, values: Any) -> None:
        self._call(f"log {epoch}")
        assert epoch not in self.logged
        self.logged[epoch] = values["val_loss"]

    def finish(self, epochs: int, values: Any, files: Any) -> None:
        self._call("finish")

    def end(self, status: str) -> None:
        self._call("end")
        self.ends.append(status)


@pytest.fixture
def flaky(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Flaky]]:
    Flaky.logged, Flaky.ends, Flaky.is_down = {}, [], ()
    monkeypatch.setattr("netspec.training.loop.trackers.MLflow", Flaky)
    monkeypatch.setattr(settings, "find_spec", lambda name: name)
    yield Flaky


@pytest.mark.parametrize("down", ["open", "log 2", "finish", "end"])
def test_a_tracker_that_fails_loses_no_training(
    down: str, flaky: type[Flaky], net: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """One warning; what is lacking is sent when the run is resumed, each epoch once."""
    flaky.is_down = (down,)
    assert train(net, "-D", "train.mlflow=true") == 0
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (warning,) = [line for line in printed if line.get("code") == "NS555"]
    assert warning["message"].endswith(f"{down}: no answer") and any(line.get("event") == "done" for line in printed)
    assert netspec.evaluate("runs/a")["test_loss"] > 0
    flaky.is_down = ()
    assert run(["train", "--resume", "runs/a", "-D", "train.epochs=4", "--no-report", "--json"]) == 0
    assert flaky.logged == {epoch["epoch"]: epoch["metrics"]["val_loss"] for epoch in read_run(Path("runs/a")).history}
    assert flaky.ends[-1] == "finished"


def test_a_tracker_that_recovers_has_every_epoch(flaky: type[Flaky], net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    flaky.is_down = ("log 2",)
    finished = flaky._finish

    def recover(self: Flaky, record: Any) -> None:
        flaky.is_down = ()
        finished(self, record)

    monkeypatch.setattr(flaky, "_finish", recover)
    assert train(net, "-D", "train.mlflow=true") == 0
    assert list(flaky.logged) == [1, 2, 3] and flaky.ends == ["finished"]


def test_an_error_of_the_training_ends_the_run_there(flaky: type[Flaky], net: str) -> None:
    class Broken(netspec.Callback):
        def epoch(self, record: Any) -> None:
            raise ZeroDivisionError

    with warnings.catch_warnings(), pytest.raises(ZeroDivisionError):
        warnings.simplefilter("ignore")
        netspec.train(net, callbacks=[Flaky(), Broken()], verbose=0)
    assert flaky.ends == ["failed"]


def test_each_seed_is_a_run(flaky: type[Flaky], net: str) -> None:
    """The same callback for several trainings, which is given the training as in a single one."""
    tracker = Flaky()
    flaky.is_down = ("finish",)
    result = netspec.train_seeds(net, callbacks=[tracker], seeds=1, epochs=1, verbose=0)
    assert (result.run / "seed-0" / "trackers.json").exists()
    assert "NS555: Flaky has failed" in (result.run / "seed-0" / "log.txt").read_text()


@pytest.mark.parametrize("setting", ["mlflow", "wandb"])
def test_what_to_install(setting: str, net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda name: None)
    with pytest.raises(CompileError) as caught:
        netspec.train(net, verbose=0, **{setting: True})
    (problem,) = caught.value.diagnostics
    assert problem.code == "NS502" and f"pip install 'netspec-compiler[{setting}]'" in problem.hint_text
    assert not Path("runs").exists()
