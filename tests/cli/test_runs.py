"""`netspec runs`, `diff` and `train --resume` as a user calls them."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.cli.commands.runs.serve import _named
from netspec.cli.main import run
from netspec.cli.render import runs_comparison, runs_table
from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.runs.catalog import RunInfo, list_runs, look_at
from netspec.runs.remove import choose_runs
from netspec.spec.canonical import meaning_of
from netspec.spec.compilation import Compilation
from netspec.storage import run_lock as lock
from netspec.storage.run_files import checkpoint_file, checkpoint_steps
from netspec.storage.run_folder import Run, read_run

SPEC = """\
param width = 16
input 4
dense(width, relu) -> dense(classes, softmax)
data {
    source = iris
    normalize = standard
    val = 20%
}
train {
    epochs = 4
    batch = 16
    optimizer = adam(0.02)
}
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a spec and two finished runs of it."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "iris.net").write_text(SPEC)
    for more in ((), ("-D", "width=32", "-D", "train.epochs=6")):
        assert run(["train", str(folder / "iris.net"), "--runs", str(folder / "runs"), *more]) == 0
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Path:
    """The same in a folder of its own, which is the current one."""
    shutil.copytree(trained, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    capsys.readouterr()
    return tmp_path / "here"


def cut_short(path: Path) -> None:
    """Make a run one that was interrupted."""
    lines = (path / "metrics.jsonl").read_text().splitlines(keepends=True)
    (path / "metrics.jsonl").write_text("".join(line for line in lines if '"done"' not in line))


# ---------------------------------------------------------------- runs


def test_list(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut_short(folder / "runs" / "iris-1")
    (folder / "runs" / "notes").mkdir()
    assert run(["runs"]) == 0
    out = capsys.readouterr().out
    first, second = (next(line for line in out.splitlines() if name in line) for name in ("iris-1", "iris-2"))
    assert "interrupted" in first and "4/4" in first and "131" in first
    assert "finished" in second and "6/6" in second and "259" in second
    assert "val_accuracy" in out and "%" in second and "notes" not in out and "\x1b" not in out


def test_settings_that_differ_have_a_column(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for rate in ("0.1", "0.3"):
        assert run(["train", "iris.net", "-D", "train.epochs=1", "-D", f"train.optimizer=adam({rate})"]) == 0
    capsys.readouterr()
    assert run(["runs"]) == 0
    head, _, *rows = [line.split() for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert [row[head.index("rate") + 2] for row in rows] == ["0.02", "0.02", "0.1", "0.3"]  # `started` is two words


def test_a_part_of_a_metric_leads_to_it(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--sort", "accuracy_val"]) == 1
    assert "did you mean `val_accuracy`?" in capsys.readouterr().err


def test_only_other_layers_are_worth_a_diff(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["train", "iris.net", "-D", "train.epochs=1", "-D", "train.optimizer=adam(0.1)"]) == 0
    for other, is_told in (("iris-2", True), ("iris-3", False)):
        capsys.readouterr()
        assert run(["runs", "compare", "iris-1", other]) == 0
        assert ("layers that differ" in capsys.readouterr().out) == is_told


def test_list_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--json"]) == 0
    one, two = json.loads(capsys.readouterr().out)["runs"]
    assert one["name"] == "iris-1" and one["state"] == "finished" and one["parameters"] == 131
    done = read_run(folder / "runs" / "iris-1").done
    assert done is not None and one["metrics"]["test_accuracy"] == done["metrics"]["test_accuracy"]
    assert one["seconds"] == done["seconds"] and one["best_epoch"] == done["best_epoch"]
    assert datetime.fromisoformat(one["started"]).tzinfo is not None and one["hash"] != two["hash"]


def test_sort(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, value in (("iris-1", 0.9), ("iris-2", 0.8)):
        lines = [json.loads(line) for line in (folder / "runs" / name / "metrics.jsonl").read_text().splitlines()]
        lines[-1]["metrics"] |= {"val_accuracy": value, "val_loss": value}
        (folder / "runs" / name / "checksums.json").unlink()  # it was changed on purpose
        (folder / "runs" / name / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))

    def names(key: str) -> list[str]:
        assert run(["runs", "--sort", key, "--json"]) == 0
        return [found["name"][-1] for found in json.loads(capsys.readouterr().out)["runs"]]

    assert names("val_accuracy") == ["1", "2"] and names("val_loss") == ["2", "1"]
    assert names("parameters") == names("name") == names("started") == names("epochs") == ["1", "2"]
    assert run(["runs", "--sort", "val_acuracy"]) == 1
    assert "NS495" in (err := capsys.readouterr().err) and "did you mean `val_accuracy`?" in err


def test_no_runs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "--runs", "elsewhere"]) == 0
    assert run(["runs", "--spec", "digits"]) == 0
    out = capsys.readouterr().out
    assert "no runs in elsewhere" in out and "no runs of digits in runs" in out
    assert run(["runs", "--runs", "elsewhere", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"runs": []}


def test_states(folder: Path) -> None:
    one = folder / "runs" / "iris-1"
    cut_short(one)
    assert look_at(one).state == "interrupted"
    with lock.locked(one):
        assert look_at(one).state == "running"
    shutil.rmtree(one / "checkpoints")
    assert (look_at(one).state, look_at(one).reason) == ("broken", "its checkpoints are gone")
    Run(one).add_record({"event": "failed", "code": "NS460", "message": "no number"})
    assert (look_at(one).state, look_at(one).reason) == ("broken", "NS460: no number")
    (one / "settings.json").write_text("{")
    assert look_at(one).state == "broken" and "settings.json" in look_at(one).reason


def test_metrics_of_an_unfinished_run_are_those_of_its_best_epoch(folder: Path) -> None:
    one = folder / "runs" / "iris-1"
    done = look_at(one)
    cut_short(one)
    found = look_at(one)
    assert found.best_epoch == done.best_epoch
    assert {**done.metrics, **found.metrics} == done.metrics and "val_loss" in found.metrics


def test_compare(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["runs", "compare", "iris-1", "runs/iris-2"]) == 0
    out = capsys.readouterr().out
    assert "train.epochs" in out and "train.batch" not in out and "netspec diff" in out
    assert run(["runs", "compare", "iris-1", "iris-2", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["settings"] == {"train.epochs": ["4", "6"]}
    assert run(["runs", "compare", "iris-1"]) == 1


def test_the_best_of_each_metric_has_a_star_and_seeds_a_deviation() -> None:
    values = {"seeds": 0.5, "one": 0.75}
    runs = [
        RunInfo(Path(name), "a", "finished", metrics={"val_accuracy": v, "val_rmse": v}) for name, v in values.items()
    ]
    runs[0] = runs[0].replace(seeds=2, stds={"val_accuracy": 0.25})
    cells = {
        name: [c.plain for c in runs_table.metric_cells(name, runs, ["", ""], in_full=True)] for name in runs[0].metrics
    }
    assert cells == {"val_accuracy": ["50.00% ± 25.00%  ", "75.00% *"], "val_rmse": ["0.5000 *", "0.7500  "]}


def test_compared_settings_show_the_defaults_of_the_runs_that_do_not_set_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    optimizers = ("adam(0.02)", "adam(0.02, b1 = 0.8)", "sgd(0.02)")
    specs = [Compilation(Source("a.net", SPEC.replace("adam(0.02)", text))) for text in optimizers]
    meanings = {Path(str(i)): meaning_of(spec) for i, spec in enumerate(specs)}
    monkeypatch.setattr(runs_comparison, "meaning_of_run", meanings.get)
    runs = [RunInfo(path, "a", "finished", hash=str(path)) for path in meanings]
    assert runs_comparison.differing_options(runs[:2]) == {"train.optimizer.b1": ["0.9", "0.8"]}
    assert runs_comparison.differing_options(runs) == {"train.optimizer": list(optimizers)}
    assert runs_comparison.differing_settings(runs[:2]) == {"train.optimizer": list(optimizers[:2])}
    runs_comparison.print_comparison(runs[:2], runs_comparison.differing_options(runs[:2]))
    assert ["train.optimizer.b1", "0.9", "0.8"] in [line.split() for line in capsys.readouterr().out.splitlines()]


@pytest.mark.parametrize("columns", [50, 80])
def test_tables_fit_into_the_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setattr(runs_comparison, "meaning_of_run", lambda path: None)
    metrics = {f"{front}metric_{i}": i / 7 for i in range(9) for front in ("", "val_", "test_")}
    reason = "its \x1b[31mcheckpoints are gone " * 5
    paths = [Path(f"runs/a_net-{i}") for i in range(9)]
    runs = [RunInfo(path, "a_net", "finished", reason, metrics=metrics, seeds=3) for path in paths]
    runs_table.print_runs(runs, every=True)
    every = capsys.readouterr().out
    runs_table.print_runs(runs)
    some = capsys.readouterr().out
    runs_comparison.print_comparison(runs, {"train.optimizer": ["adam(0.02, b1 = 0.8, b2 = 0.99, epsilon = 1e-6)"] * 9})
    compared = capsys.readouterr().out
    for text in (every, some, compared):
        assert max(map(len, text.splitlines())) <= columns and "\x1b" not in text
    assert all(f" {name} " in f"{every} " for name in metrics) and "val_metric_0" in some
    assert all(compared.count(f"a_net-{i}") >= 1 for i in range(9)) and "epsilon = 1e-6" in " ".join(compared.split())


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("irsi-1", "did you mean `runs/iris-1`?"),
        ("runs/irsi-1", "did you mean `runs/iris-1`?"),
        ("runs", "it is the folder of runs\n  hint: give one of runs/iris-2, runs/iris-1"),
        ("iris.net", "it is a spec\n  hint: `netspec train iris.net` makes a run of it"),
        ("runs/iris-1/spec.net", "give its folder: `runs/iris-1`"),
        ("elsewhere", "give a folder made by `netspec train`"),
        ("wine-1", "give a folder made by `netspec train`"),
    ],
)
def test_what_is_no_run_leads_to_one(folder: Path, capsys: pytest.CaptureFixture[str], name: str, hint: str) -> None:
    for command in (["eval", name], ["predict", name, "1,2,3,4"]):
        assert run(command) == 1
        assert hint in capsys.readouterr().err


def test_what_is_no_run_is_no_run_of_a_report(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("report", "plot"):
        assert run([command, "iris.net"]) == 1
        assert "it is a spec\n  hint: `netspec train iris.net` makes a run of it" in capsys.readouterr().err


@pytest.mark.parametrize(
    "command",
    [
        ["eval", "RUN"],
        ["predict", "RUN", "1,2,3,4"],
        ["diff", "RUN", "runs/iris-2"],
        ["show", "RUN", "--weights"],
        ["draw", "RUN", "--json", "-o", "net.svg"],
        ["look", "RUN", "activations", "--json", "-o", "look.svg"],
        ["plot", "RUN"],
        ["report", "RUN", "--json", "-o", "report.html"],
        ["train", "--resume", "RUN"],
        ["export", "RUN", "-o", "net.onnx"],
        ["compile", "iris.net", "--inference", "--run", "RUN", "-o", "net.py"],
    ],
)
def test_the_name_of_a_run_is_enough(folder: Path, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    def result(name: str) -> tuple[int, str]:
        status = run([name if word == "RUN" else word for word in command])
        seen = capsys.readouterr()
        return status, (seen.out + seen.err).replace("runs/iris-1", "iris-1")

    assert (found := result("iris-1")) == result("runs/iris-1")
    assert "not a run folder" not in found[1]


def test_the_name_of_a_run_is_enough_in_python(folder: Path) -> None:
    rows = [[5.1, 3.5, 1.4, 0.2]]
    assert netspec.evaluate("iris-1") == netspec.evaluate("runs/iris-1")
    assert netspec.predict("iris-2", rows).classes == netspec.load("iris-2").predict(rows).classes
    assert netspec.plot("iris-1").svg == netspec.plot("runs/iris-1").svg
    assert netspec.draw("iris-1").svg == netspec.draw("runs/iris-1").svg
    assert netspec.look("iris-1").model.name == "iris" and "iris-1" in netspec.report("iris-1").title
    assert _named("flowers=iris-1") == ("flowers", Path("runs/iris-1")) and _named("iris-1")[1] == Path("runs/iris-1")
    with netspec.serve("iris-1", port=0) as server:
        assert server.models == {"iris": ["1"]}
    with pytest.raises(CompileError, match="did you mean `runs/iris-1`"):
        netspec.load("irsi-1")


def test_remove(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("click.confirm", lambda text: False)
    assert run(["runs", "rm", "iris-1"]) == 1
    assert "nothing removed" in capsys.readouterr().out and (folder / "runs" / "iris-1").exists()
    assert run(["runs", "rm", "iris-1", "runs/iris-1", "--yes"]) == 0
    assert "removed 1 run, " in capsys.readouterr().out
    assert [p.name for p in (folder / "runs").iterdir()] == ["iris-2"]


def test_what_is_no_run_is_never_removed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "runs" / "notes").mkdir()
    (folder / "runs" / "notes" / "settings.json").write_text("{}")
    (folder / "link").symlink_to(folder / "runs" / "iris-1")
    for name in ("notes", "runs/notes", ".", "..", "runs", str(folder), "link", "iris.net", "iris-3"):
        assert run(["runs", "rm", name, "--yes"]) == 1, name
        assert "NS473" in capsys.readouterr().err
    assert len([*(folder / "runs").iterdir()]) == 3 and (folder / "runs" / "iris-1" / "spec.net").exists()


def test_a_run_that_is_being_trained_stays(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock, "PATIENCE", 0.05)
    with lock.locked(folder / "runs" / "iris-1"):
        assert run(["runs", "rm", "iris-1", "--yes"]) == 1
        assert "NS491" in capsys.readouterr().err
        assert run(["runs", "prune", "--older-than", "0h", "--yes"]) == 0
        assert run(["train", "--resume", "runs/iris-1", "-D", "train.epochs=9"]) == 1
        assert "NS491" in capsys.readouterr().err
    assert [p.name for p in (folder / "runs").iterdir()] == ["iris-1"]


def test_prune(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cut_short(folder / "runs" / "iris-1")
    assert run(["runs", "prune"]) == 1
    assert run(["runs", "prune", "--unfinished", "--by", "val_loss"]) == 1
    assert run(["runs", "prune", "--older-than", "soon"]) == 1
    assert run(["runs", "prune", "--unfinished", "--older-than", "1d", "--yes"]) == 0
    assert "nothing to remove" in capsys.readouterr().out
    assert run(["runs", "prune", "--unfinished", "--dry-run"]) == 0
    assert "would remove 1 run" in (out := capsys.readouterr().out) and "iris-2" not in out
    assert run(["runs", "prune", "--unfinished", "--yes"]) == 0
    assert [p.name for p in (folder / "runs").iterdir()] == ["iris-2"]


def test_what_prune_chooses(folder: Path) -> None:
    base = look_at(folder / "runs" / "iris-1")
    now = datetime.now(UTC)

    def made(name: str, loss: float, **keys: Any) -> Any:
        metrics = {"loss": 0.0, "val_loss": loss, "accuracy": loss, "val_accuracy": loss}
        return type(base)(
            path=Path(name), spec=name[0], **{"state": "finished", "made": now, "metrics": metrics, **keys}
        )

    runs = [
        made("a-1", 0.3), made("a-2", 0.1), made("a-3", 0.2, made=now - timedelta(days=3)), made("b-1", 0.9),
        made("b-2", 0.8, state="running"), made("b-3", 0.1, state="broken", metrics={}),
    ]  # fmt: skip

    def names(**keys: Any) -> list[str]:
        return [chosen.name for chosen in choose_runs(runs, **keys)]

    assert names(unfinished=True) == ["b-3"]
    assert names(older_than=timedelta(days=1)) == ["a-3"]
    assert names(keep_best=1) == ["a-2", "a-3", "b-3"]  # by val_accuracy
    assert names(keep_best=1, by="val_loss") == ["a-1", "a-3", "b-1", "b-3"]  # b-2 is the best, and under way
    assert names(keep_best=2, older_than=timedelta(days=1)) == []


def test_runs_with_several_seeds_are_one_row(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parent = folder / "runs" / "seeds-1"
    shutil.copytree(folder / "runs" / "iris-1", parent)
    (parent / "metrics.jsonl").write_text("")
    (parent / "seeds.json").write_text('{"seeds": [0, 1]}')
    shutil.copytree(folder / "runs" / "iris-1", parent / "seed-0")
    assert (look_at(parent).state, look_at(parent).epochs, look_at(parent).of) == ("interrupted", 4, 8)
    shutil.copytree(folder / "runs" / "iris-2", parent / "seed-1")
    found, one, two = look_at(parent), look_at(parent / "seed-0"), look_at(parent / "seed-1")
    assert found.state == "finished" and found.epochs == 10
    row = runs_table.epochs_text
    assert (row(found), row(found.replace(epochs=8)), row(found.replace(epochs=5))) == ("10/8", "2 × 4", "5/8")
    (parent / "spec.net").write_text((parent / "spec.net").read_text().replace("epochs", "seeds = 2\n    epochs"))
    for file in ("checksums.json", "meaning.json"):
        (parent / file).unlink()
    capsys.readouterr()
    assert run(["runs"]) == 0
    heading = capsys.readouterr().out.splitlines()[1].split()
    assert heading.count("seeds") == 1 and "started" in heading
    assert found.metrics["val_loss"] == pytest.approx((one.metrics["val_loss"] + two.metrics["val_loss"]) / 2)
    with lock.locked(parent / "seed-1"):
        assert look_at(parent).state == "running"
        assert run(["runs", "rm", "seeds-1", "--yes"]) == 1
    assert run(["runs", "rm", "seeds-1", "--yes"]) == 0 and len(list_runs(folder / "runs")) == 2


# ---------------------------------------------------------------- diff


def test_diff_of_what_is_the_same(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "same.net").write_text("# a comment\n" + SPEC.replace("width", "units"))
    assert run(["diff", "iris.net", "same.net"]) == 0
    assert run(["diff", "runs/iris-1", "iris.net"]) == 0
    assert run(["diff", "runs/iris-2", "iris.net", "-D", "width=32", "-D", "train.epochs=6"]) == 0
    assert capsys.readouterr().out.count("mean the same: ") == 3


def test_diff(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "new.net").write_text(SPEC.replace("width = 16", "width = 8").replace("adam(0.02)", "adam(0.1)"))
    assert run(["diff", "iris.net", "new.net"]) == 1
    assert capsys.readouterr().out == (
        "iris.net → new.net\n\nlayers\n  ~ dense          units 16 → 8\n\ntrain\n  ~ optimizer      rate 0.02 → 0.1\n\n"
        "params (changes that they cause are above)\n    width          16 → 8\n\n"
        "    parameters     131 → 67  (-64, -48.9%)\n    multiply-adds  112 → 56  (-56, -50.0%)\n"
    )
    assert run(["diff", "runs/iris-1", "runs/iris-2", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert found["equal"] is False and found["totals"]["parameters"] == [131, 259]
    assert [(c["section"], c["name"]) for c in found["changes"]] == [("layer", "dense"), ("train", "epochs")]


def test_diff_of_what_cannot_be_read(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "bad.net").write_text("input 4\ndens(3)\n")
    assert run(["diff", "iris.net", "bad.net"]) == 1
    assert run(["diff", "iris.net", "missing.net"]) == 1
    assert run(["diff", "iris.net", "."]) == 1
    err = capsys.readouterr().err
    assert "NS201" in err and "NS109" in err and "NS473" in err


# ---------------------------------------------------------------- train --resume


def test_a_finished_run_goes_on_for_longer_and_remembers(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = folder / "runs" / "iris-1"
    assert run(["train", "--resume", "runs/iris-1"]) == 1
    assert run(["train", "--resume", "runs/iris-1", "-D", "train.epochs=6"]) == 0
    assert (
        read_run(path).settings["train"]["epochs"] == 6
        and read_run(path).json("meaning.json")["train"]["epochs"] == "6"
    )
    cut_short(path)
    assert run(["train", "--resume", "runs/iris-1"]) == 0  # six epochs, without being told again
    done = read_run(path).done
    assert done is not None and done["epochs"] == 6 and look_at(path).of == 6


def test_what_may_not_change_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = {p: p.read_bytes() for p in (folder / "runs").rglob("*") if p.is_file()}
    assert run(["train", "--resume", "runs/iris-1", "-D", "train.batch=8", "-D", "width=4"]) == 1
    assert (
        "error[NS494]: the spec differs from the one that `runs/iris-1` was started with:\n"
        "  layer dense: units 16 → 4\n  train batch: 16 → 8\n" in capsys.readouterr().err
    )
    (folder / "iris.net").write_text(SPEC.replace("relu", "tanh"))
    assert run(["train", "iris.net", "--resume", "runs/iris-1"]) == 1
    assert "layer dense: activation relu → tanh" in capsys.readouterr().err
    (folder / "runs" / "iris-2" / "spec.net").write_text(SPEC.replace("relu", "tanh"))
    assert run(["train", "--resume", "runs/iris-2", "-D", "train.epochs=7"]) == 1
    assert "remove `runs/iris-2/checksums.json`" in " ".join(capsys.readouterr().err.split())
    del before[folder / "runs" / "iris-2" / "checksums.json"]
    (folder / "runs" / "iris-2" / "checksums.json").unlink()
    before[folder / "runs" / "iris-2" / "spec.net"] = SPEC.replace("relu", "tanh").encode()
    assert run(["train", "--resume", "runs/iris-2", "-D", "train.epochs=7"]) == 1
    assert "layer dense: activation relu → tanh" in capsys.readouterr().err
    assert {p: p.read_bytes() for p in (folder / "runs").rglob("*") if p.is_file()} == before


def test_a_spec_that_means_the_same_is_taken(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "iris.net").write_text(
        "# tidied up\n" + SPEC.replace("width", "units").replace("epochs = 4", "epochs = 5")
    )
    assert run(["train", "iris.net", "--resume", "runs/iris-1"]) == 0
    done = read_run(folder / "runs" / "iris-1").done
    assert done is not None and done["epochs"] == 5


CSV = "a,b,y\n" + "\n".join(f"{i % 7},{i % 5},{'yes' if i % 7 > 3 else 'no'}" for i in range(80)) + "\n"
CSV_SPEC = SPEC.replace("input 4", "input 2").replace("iris", 'csv("points.csv", target = "y")').replace("= 4", "= 2")


def test_data_that_are_gone_moved_or_changed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = folder / "points.csv"
    points.write_text(CSV)
    (folder / "points.net").write_text(CSV_SPEC)
    assert run(["train", "points.net"]) == 0
    weights = (folder / "runs" / "points-1" / "weights.safetensors").read_bytes()
    points.rename(folder / "moved.csv")
    longer = ["train", "--resume", "runs/points-1", "-D", "train.epochs=3"]
    capsys.readouterr()
    assert run(longer) == 1
    assert "points.csv" in (err := capsys.readouterr().err) and "error[NS4" in err and "Traceback" not in err
    points.write_text(CSV.replace("0,0,no", "0,1,no"))
    assert run(longer) == 1
    assert "NS478" in capsys.readouterr().err
    assert (folder / "runs" / "points-1" / "weights.safetensors").read_bytes() == weights
    assert run([*longer, "--data", 'csv("moved.csv", target = "y")']) == 0
    points.unlink()
    assert run([*longer[:3], "-D", "train.epochs=4"]) == 0  # the run remembers where its data are


def test_a_damaged_checkpoint_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    checkpoints = folder / "runs" / "iris-1" / "checkpoints"
    shutil.rmtree(checkpoints)
    cut_short(folder / "runs" / "iris-1")
    assert run(["train", "--resume", "runs/iris-1"]) == 1
    assert "NS470" in capsys.readouterr().err
    assert run(["train", "iris.net", "--save-every", "0"]) == 0
    run_path = folder / "runs" / "iris-3"
    cut_short(run_path)
    newest = checkpoint_file(run_path / "checkpoints", checkpoint_steps(run_path / "checkpoints")[-1])
    newest.write_bytes(newest.read_bytes()[:100])
    capsys.readouterr()
    assert run(["train", "--resume", "runs/iris-3"]) == 0
    assert "warning[NS472]: the checkpoint of step 24 cannot be read" in capsys.readouterr().err
    assert (run_path / "weights.safetensors").read_bytes() == (folder / "runs/iris-1/weights.safetensors").read_bytes()
