"""`netspec tune` as it is used: trials, the best spec, its seeds, the page; interruptions, workers, failed trials."""

from __future__ import annotations

import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.compiler.syntax.formatter import format_source
from netspec.language.source import Source
from netspec.runs.catalog import look_at
from netspec.search.best.importance import importance_of
from netspec.search.checks import plan_search
from netspec.search.folder import open_search
from netspec.search.run_trial import Trainer
from netspec.search.trials.record import Trial
from netspec.spec.canonical import meaning_of
from netspec.spec.checks import load_data
from netspec.spec.compilation import Compilation
from netspec.training.step.rate_in_state import with_unit_rate

SPEC = """\
param width = 8

dense(width, relu) -> dense(classes, softmax)

data {
    source = csv("points.csv", target = "side")
    val    = 30%
}

train {
    epochs = 2
    batch  = 32
}

tune {
    trials = 5
    goal   = val_accuracy
    seeds  = 2

    params {
        width = (4 | 8)
    }

    train {
        optimizer = (adam | sgd(momentum = uniform(0.5, 0.9)))
        rate      = log(1e-3, 1e-1)
    }
}
"""


def write_points(file: Path) -> None:
    """Two classes that a line separates."""
    points = np.random.default_rng(0).normal(size=(200, 2)).round(3)
    rows = [f"{x},{y},{'left' if x + y < 0 else 'right'}" for x, y in points]
    file.write_text("\n".join(["x,y,side", *rows]) + "\n")


@pytest.fixture
def spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec with its data in the current folder."""
    monkeypatch.chdir(tmp_path)
    write_points(tmp_path / "points.csv")
    (tmp_path / "net.net").write_text(SPEC)
    return tmp_path / "net.net"


def tuned(*arguments: str) -> int:
    return run(["tune", *arguments])


def lines_of(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_a_search_from_the_command_line(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tuned("net.net", "--sampler", "tpe") == 0
    printed = capsys.readouterr().out
    folder = Path("runs/net-tune-1")
    assert "5 trials for val_accuracy, sampler tpe" in printed and "\n5/5  val_accuracy" in printed
    assert "the best trial, trained with 2 seeds" in printed
    result = lines_of((folder / "search.json").read_text().replace("\n", ""))[0]
    assert result["done"] == 5 and result["best"] in range(1, 6)
    best = Compilation(Source.read(folder / "best.net"))
    trained = netspec.load(folder / "net-1/seed-1")
    assert meaning_of(best).network_hash == meaning_of(trained.compilation).network_hash
    assert netspec.check(folder / "best.net") == [] and "tune {" not in (folder / "best.net").read_text()
    page = (folder / "report.html").read_text()
    for part in ("Best spec", "Several seeds", "Progress", "Parallel coordinates", "Slices", "Trials"):
        assert f">{part}</h2>" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "<link" not in page
    info = look_at(folder)
    assert (info.state, info.trials, info.of) == ("finished", 5, 5) and info.metrics["val_accuracy"] > 0.4
    assert tuned("--resume", "net-tune-1", "--json") == 0  # nothing is trained again
    assert [r["event"] for r in lines_of(capsys.readouterr().out)] == ["search", "tune"]
    assert tuned("--resume", "net-tune-1", "--trials", "6", "--seeds", "0", "--json") == 0
    assert sum(r["event"] == "trial" for r in lines_of(capsys.readouterr().out)) == 1
    assert run(["runs"]) == 0 and "6/6 trials" in capsys.readouterr().out
    assert run(["runs", "rm", "net-tune-1", "--yes"]) == 0 and not folder.exists()


def test_several_goals_from_python(spec: Path) -> None:
    result = netspec.tune(spec, goal=["val_loss", "params"], sampler="random", trials=8, seeds=0, epochs=1, verbose=0)
    assert len(result.trials) == 8 and result.goals == ("val_loss", "params")
    assert {t.metrics["params"] for t in result.trials} == {22.0, 42.0}  # 2·4+4 + 4·2+2, 2·8+8 + 8·2+2
    front = [t.goals for t in result.front]
    assert front == sorted(front) and all(a[1] > b[1] for a, b in pairwise(front))
    others = [t.goals for t in result.trials if t not in result.front]
    assert all(any(f[0] <= o[0] and f[1] <= o[1] for f in front) for o in others)
    assert {p.name for p in (result.run / "front").iterdir()} == {f"trial-{t.number}.net" for t in result.front}
    assert "Pareto front" in (result.run / "report.html").read_text()
    assert result.table["val_loss"] == [t.metrics["val_loss"] for t in result.trials]
    assert "the Pareto front:" in str(result)


def test_trials_that_fail_do_not_end_the_search(spec: Path) -> None:
    text = SPEC.replace("rate      = log(1e-3, 1e-1)", "rate      = (0.01 | 1e30)").replace("adam | ", "")
    spec.write_text(text)
    result = netspec.tune(spec, sampler="grid", trials=4, seeds=0, verbose=0)
    assert [t.state for t in result.trials].count("failed") == 2
    failed = next(t for t in result.trials if t.state == "failed")
    assert failed.code == "NS460" and "diverged" in failed.reason
    assert "failed: NS460" in str(result) and result.best is not None and result.best.values["rate"] == "0.01"


def test_a_search_in_which_every_trial_fails(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec.write_text(SPEC.replace("log(1e-3, 1e-1)", "log(1e30, 1e31)").replace("adam | ", ""))
    assert tuned("net.net", "--trials", "40") == 1
    error = capsys.readouterr().err
    assert "NS598" in error and "5 trials failed" in error and "-D" in error


def test_memory_that_runs_out_is_a_reason(spec: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*_: Any, **__: Any) -> None:
        raise MemoryError("RESOURCE_EXHAUSTED: Out of memory allocating 9 bytes")

    compilation = Compilation(Source.read(spec))
    trainer = Trainer(compilation, load_data(compilation), plan_search(compilation))
    monkeypatch.setattr("netspec.search.run_trial.fit", fit)
    ended, _ = trainer.train(Trial(1, {"width": "4"}, {"width": "4"}))
    assert ended.state == "failed" and "RESOURCE_EXHAUSTED" in ended.reason


def test_the_rate_is_a_number_of_the_state(spec: Path) -> None:
    """Trials with other rates run the same programs, and give what a training by itself gives, to rounding."""
    compilation = Compilation(Source.read(spec))
    trainer = Trainer(compilation, load_data(compilation), plan_search(compilation))
    losses = {}
    for rate in ("0.003", "0.02"):
        overrides = {"width": "8", "train.optimizer": f"clip(1.0) -> adamw({rate}, decay = 0.1)"}
        ended, _ = trainer.train(Trial(1, {}, overrides))
        alone = netspec.train(spec, optimizer=overrides["train.optimizer"], params={"width": 8}, verbose=0)
        assert ended.metrics["val_loss"] == pytest.approx(alone.metrics["val_loss"], rel=1e-5)
        losses[rate] = ended.metrics["val_loss"]
    assert len(set(losses.values())) == 2 and len(trainer._programs.engines) == 1
    recipe = trainer._prepared(Trial(1, {}, {"train.schedule": "reduce_on_plateau"})).recipe
    assert with_unit_rate(recipe) == (recipe, None)


def test_trials_with_other_steps_per_epoch_share_no_programs(tmp_path: Path) -> None:
    """A `param` of the data leaves the network as it is, but not the number of examples that it is trained on."""
    text = "param held = 0.1\ninput 8x8x1\ndense(classes, softmax)\ndata {\n source = digits\n val = held\n}\n"
    text += "train {\n epochs = 2\n}\ntune {\n params {\n  held = (0.1 | 0.4)\n }\n}\n"
    compilation = Compilation(Source("net.net", text))
    trainer = Trainer(compilation, load_data(compilation), plan_search(compilation))
    for held in ("0.1", "0.4"):
        ended, _ = trainer.train(Trial(1, {"held": held}, {"held": held}))
        alone = netspec.train(text, params={"held": float(held)}, runs=tmp_path, verbose=0)
        assert ended.metrics["val_loss"] == pytest.approx(alone.metrics["val_loss"], rel=1e-5), held


def test_trials_do_not_see_the_test_split(spec: Path) -> None:
    result = netspec.tune(spec, sampler="random", trials=1, seeds=0, verbose=0)
    assert not any(name.startswith("test_") for name in result.trials[0].metrics)
    with pytest.raises(netspec.CompileError, match="NS201"):
        netspec.tune(spec, goal="test_accuracy", verbose=0)


def test_arguments_of_python(spec: Path) -> None:
    with pytest.raises(ValueError, match="sampler"):
        netspec.tune(spec, sampler="bayes")
    with pytest.raises(TypeError, match="give a spec"):
        netspec.tune()
    with pytest.raises(netspec.CompileError, match="NS597"):
        netspec.tune(resume="runs/nothing")
    with pytest.raises(netspec.CompileError, match="NS592"):
        netspec.tune("input 4\ndense(2, softmax)", (np.zeros((8, 4)), np.arange(8) % 2))


def test_what_cannot_change(spec: Path) -> None:
    result = netspec.tune(spec, sampler="random", trials=1, seeds=0, verbose=0)
    with pytest.raises(netspec.CompileError, match=r"`tune\.sampler` stays as it is"):
        open_search(result.run, {"tune.sampler": "grid"})
    other = Compilation(Source("net.net", SPEC.replace("8", "16")))
    with pytest.raises(netspec.CompileError, match="NS494"):
        open_search(result.run, spec=other)
    given = {"tune.sampler": "random", "tune.trials": "1"}
    for changed in (SPEC.replace("(4 | 8)", "(4 | 9)"), SPEC.replace("goal   = val_accuracy", "goal   = val_loss")):
        with pytest.raises(netspec.CompileError, match="the section `tune` of the spec has changed"):
            open_search(result.run, spec=Compilation(Source("net.net", changed), overrides=given))
    same = SPEC.replace("trials = 5", "trials = 9").replace("width = (4 | 8)", "width = (4|8)  # few")
    assert open_search(result.run, spec=Compilation(Source("net.net", same), overrides=given)).folder == result.run
    points = Path("points.csv").read_text()
    Path("points.csv").write_text(points.replace("\n0", "\n1", 1))
    with pytest.raises(netspec.CompileError, match="NS478"):
        open_search(result.run)


def test_commands_for_runs_say_what_a_search_takes(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = netspec.tune(spec, sampler="random", trials=1, seeds=1, epochs=1, verbose=0)
    for arguments in (["eval"], ["predict"], ["train", "--resume"], ["report"], ["plot"]):
        rest = ["1,2"] if arguments == ["predict"] else []
        assert run([*arguments, str(result.run), *rest]) == 1, arguments
        error = " ".join(capsys.readouterr().err.split())
        assert "NS554" in error and "netspec tune --resume" in error and "seed-0" in error
    with pytest.raises(netspec.CompileError, match="NS554"):
        netspec.load(result.run)


def test_importance_finds_what_matters() -> None:
    text = SPEC.replace('source = csv("points.csv", target = "side")', "source = digits").replace(
        "dense(width", "flatten -> dense(width"
    )
    space = plan_search(Compilation(Source("net.net", text))).space
    rng = np.random.default_rng(0)
    trials = []
    for n in range(40):
        point = space.draw(lambda d: d.ends[rng.integers(2)] if hasattr(d, "labels") else d.at(rng.random()))
        value = float(np.log10(point.values["rate"])) + 0.1 * (point.values["width"] == "8")
        trials.append(Trial(n + 1, point.values, {}, "complete", (value,)))
    found = importance_of(space, trials)
    assert next(iter(found)) == "rate" and found["rate"] > 0.9 and sum(found.values()) == pytest.approx(1)


def test_the_example_of_the_docs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = (Path(__file__).parents[3] / "docs/tuning.md").read_text(encoding="utf-8")
    (spec,) = re.findall(r"^```net\n(.*?)^```", text, re.M | re.S)
    sweep, program = re.findall(r"^```python\n(.*?)^```", text, re.M | re.S)
    Path("digits.net").write_text(spec.replace("log(8, 64)", "int(2, 4)"))  # to be quick
    assert netspec.check(spec) == [] and format_source(Source("digits.net", spec)) == spec
    names: dict[str, Any] = {}
    exec(program, names)
    assert len(names["result"].trials) == 4 and len(names["table"]["rate"]) == 3
    exec(sweep, names)
    assert names["table"]["width"] == [8, 8, 16, 16] and names["model"].outputs


# ---------------------------------------------------------------- processes


def started(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "netspec", "tune", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.usefixtures("default_signals")
def test_ctrl_c_keeps_everything(spec: Path) -> None:
    process = started("net.net", "--sampler", "random", "--trials", "1000", "--json")
    assert process.stdout is not None
    seen = [json.loads(process.stdout.readline()) for _ in range(4)]
    process.send_signal(signal.SIGINT)
    rest, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    last = lines_of(rest)[-1]
    assert last["event"] == "interrupted"
    search = open_search(Path(seen[0]["run"]))
    trials = search.study().trials()
    assert [t.state for t in trials[:3]] == ["complete"] * 3 and {t.state for t in trials[3:]} <= {
        "complete",
        "interrupted",
    }
    done = sum(t.state == "complete" for t in trials)
    result = netspec.tune(resume=search.folder, trials=done + 1, seeds=0, verbose=0)
    assert [t.state for t in result.trials] == ["complete"] * (done + 1)


def test_two_workers_share_a_search(spec: Path) -> None:
    process = started("net.net", "--workers", "2", "--trials", "6", "--sampler", "random", "--json", "--seeds", "0")
    printed, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    records = lines_of(printed)
    assert sorted(r["number"] for r in records if r["event"] == "trial") == [1, 2, 3, 4, 5, 6]
    assert records[-1]["event"] == "tune" and records[-1]["trials"] == {"complete": 6, "pruned": 0, "failed": 0}
    trials = open_search(Path(records[0]["run"])).study().trials()
    assert len({t.worker for t in trials}) == 2


FORKS = """
import os, sys
import optuna, sklearn.ensemble, sklearn.inspection
import netspec.search.search, netspec.search.trials.with_optuna
from netspec.cli.main import run
for line in sys.stdin:
    child = os.fork()
    if not child:
        os._exit(run(line.split()))
    print("started", child, flush=True)
    os.waitpid(child, 0)
    print("ended", flush=True)
"""
"""Runs commands in processes that have imported everything already, which takes most of the time of a short search."""


def next_trials(output: Any, count: int) -> bool:
    """Wait for the end of so many trials; whether they came before the process ended."""
    while count:
        line = output.readline()
        if line.startswith("ended") or not line:
            return False
        count -= '"event": "trial"' in line or '"event":"trial"' in line
    return True


def test_a_search_that_is_killed_loses_nothing(spec: Path, long: bool) -> None:
    """Killed at random moments of its trials: at the end, when two tasks of a job array take part at once, every trial
    is accounted for, and those that were finished have stayed."""
    kills, trials = (20, 60) if long else (1, 4)
    arguments = ("net.net", "--run-folder", "runs/killed", "--trials", str(trials), "--seeds", "0", "--sampler", "tpe")
    generator, finished = random.Random(0), dict[int, Any]()
    forks = subprocess.Popen(
        [sys.executable, "-c", FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
    )
    assert forks.stdin is not None and forks.stdout is not None
    for _ in range(kills):
        forks.stdin.write(" ".join(["tune", *arguments, "--json"]) + "\n")
        started_line = forks.stdout.readline().split()
        assert started_line[0] == "started"
        assert next_trials(forks.stdout, generator.randrange(1, 3))
        time.sleep(generator.uniform(0, 0.5))
        os.kill(int(started_line[1]), signal.SIGKILL)
        next_trials(forks.stdout, trials)  # what it has printed before its end
        now = {t.number: t for t in open_search(Path("runs/killed")).study().trials()}
        assert all(now[number].goals == goals for number, goals in finished.items())
        finished = {number: t.goals for number, t in now.items() if t.state == "complete"}
        assert finished
    forks.stdin.close()
    assert forks.wait(60) == 0
    for process in [started(*arguments), started(*arguments)]:
        _, errors = process.communicate(timeout=600)
        assert process.returncode == 0, errors
    assert tuned("--resume", "runs/killed") == 0 and Path("runs/killed/best.net").exists()
    found = open_search(Path("runs/killed")).study().trials()
    assert [t.state for t in found if t.counts] == ["complete"] * trials
    assert {t.number for t in found if t.state == "interrupted"} == {t.repeats for t in found if t.repeats}
    print(f"{sum(t.counts for t in found)} of {trials} trials accounted for")
