"""The trials of a search in its folder: who does which one, and what a killed process leaves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.runs.repeated.search_head import is_searching
from netspec.search.checks import Plan, plan_search
from netspec.search.trials.own import FILE, OwnStudy
from netspec.search.trials.study import MAX_ATTEMPTS, Study
from netspec.search.trials.with_optuna import OptunaStudy, _sampler
from netspec.search.trials.workers import workers_of, working
from netspec.spec.compilation import Compilation
from tests.search.test_space import tune

TEXT = tune("width = log(16, 128); drop = uniform(0, 0.5)", "optimizer = (adam | sgd(momentum = uniform(0.5, 0.9)))")
KINDS = [OwnStudy, OptunaStudy]


def plan(kind: type[Study], **settings: object) -> Plan:
    chosen = {"sampler": "tpe" if kind is OptunaStudy else "random", "trials": 6, **settings}
    overrides = {f"tune.{name}": str(value) for name, value in chosen.items()}
    return plan_search(Compilation(Source("net.net", TEXT), overrides=overrides))


def do(study: Study, value: float = 1.0) -> None:
    trial = study.ask()
    assert trial is not None
    study.finish(trial.replace(state="complete", goals=(value,), metrics={"val_loss": value}))


@pytest.mark.parametrize("kind", KINDS)
def test_a_search_has_as_many_trials_as_it_should(kind: type[Study], tmp_path: Path) -> None:
    study = kind(tmp_path, plan(kind), "me")
    for n in range(6):
        assert not study.is_over()
        do(study, float(n))
    assert study.ask() is None and study.is_over()
    again = kind(tmp_path, plan(kind), "other").trials()
    assert [t.number for t in again] == [1, 2, 3, 4, 5, 6] and {t.state for t in again} == {"complete"}
    assert [t.goals for t in again] == [(float(n),) for n in range(6)] and again[3].metrics == {"val_loss": 3.0}
    assert all({"width", "train.optimizer"} <= t.overrides.keys() for t in again)


@pytest.mark.parametrize("kind", KINDS)
def test_values_do_not_depend_on_interruptions(kind: type[Study], tmp_path: Path) -> None:
    for name in ("whole", "broken"):
        (tmp_path / name).mkdir()
    whole = kind(tmp_path / "whole", plan(kind), "me")
    for _ in range(6):
        do(whole)
    for n in range(6):
        one = kind(tmp_path / "broken", plan(kind), f"worker-{n}")
        lost = one.ask() if n % 2 else None  # its process ends
        do(kind(tmp_path / "broken", plan(kind), f"next-{n}"))
        assert lost is None or kind(tmp_path / "broken", plan(kind)).trials()[lost.number - 1].state == "interrupted"
    found = kind(tmp_path / "broken", plan(kind)).trials()
    assert [t.values for t in found if t.counts] == [t.values for t in whole.trials()]
    assert sum(t.state == "interrupted" for t in found) == 3
    assert {t.repeats for t in found if t.repeats} == {t.number for t in found if t.state == "interrupted"}


@pytest.mark.parametrize("kind", KINDS)
def test_a_trial_that_ends_its_process_again_and_again_has_failed(kind: type[Study], tmp_path: Path) -> None:
    numbers = []
    for n in range(MAX_ATTEMPTS):
        trial = kind(tmp_path, plan(kind), f"worker-{n}").ask()
        assert trial is not None and trial.attempt == n + 1
        numbers.append(trial.number)
    last = kind(tmp_path, plan(kind), "last").ask()
    assert last is not None and last.repeats == 0
    failed = kind(tmp_path, plan(kind)).trials()[numbers[-1] - 1]
    assert failed.state == "failed" and failed.reason == "its process ended 5 times"


@pytest.mark.parametrize("kind", KINDS)
def test_trials_of_a_working_process_are_left_alone(kind: type[Study], tmp_path: Path) -> None:
    with working(tmp_path) as worker:
        trial = kind(tmp_path, plan(kind), worker).ask()
        other = kind(tmp_path, plan(kind), "other").ask()
        assert trial is not None and other is not None and other.number == trial.number + 1
        assert workers_of(tmp_path) == [worker] and is_searching(tmp_path)
        assert kind(tmp_path, plan(kind)).trials()[0].state == "running"
    assert workers_of(tmp_path) == []


def test_a_killed_process_works_no_longer(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from netspec.search.trials.workers import working\n"
        "with working(Path(sys.argv[1])) as name: print(name, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    assert workers_of(tmp_path) == [name]
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert workers_of(tmp_path) == []


@pytest.mark.parametrize(("kind", "file"), [(OwnStudy, FILE), (OptunaStudy, "optuna.journal")])
def test_half_a_line_is_lost_and_nothing_else(kind: type[Study], file: str, tmp_path: Path) -> None:
    for _ in range(2):
        do(kind(tmp_path, plan(kind), "me"))
    with (tmp_path / file).open("ab") as opened:
        opened.write(b'{"trial": {"number": 3, "val')
    for _ in range(4):
        do(kind(tmp_path, plan(kind), "me"))
    assert [t.state for t in kind(tmp_path, plan(kind)).trials()] == ["complete"] * 6


@pytest.mark.parametrize(("kind", "file"), [(OwnStudy, FILE), (OptunaStudy, "optuna.journal")])
def test_damage_is_reported(kind: type[Study], file: str, tmp_path: Path) -> None:
    do(kind(tmp_path, plan(kind), "me"))
    (tmp_path / file).write_bytes(b"???\n" + (tmp_path / file).read_bytes())
    with pytest.raises(CompileError, match="NS597"):
        kind(tmp_path, plan(kind), "me").trials()


@pytest.mark.parametrize(
    ("kind", "options"),
    [(OwnStudy, {"pruner": "halving"}), (OptunaStudy, {"pruner": "median"}), (OptunaStudy, {"pruner": "hyperband"})],
)
def test_bad_trials_end_early(kind: type[Study], options: dict[str, str], tmp_path: Path) -> None:
    study = kind(tmp_path, plan(kind, trials=30, **options), "me")
    ended: list[tuple[int, int]] = []
    for n in range(30):
        trial = study.ask()
        assert trial is not None
        loss, epoch = float((7 * n) % 30), 0
        while epoch < 9:
            epoch += 1
            if study.report(trial, epoch, loss / epoch):
                break
        ended.append((int(loss), epoch))
        state = "complete" if epoch == 9 else "pruned"
        study.finish(trial.replace(state=state, goals=(loss,) if epoch == 9 else (), epochs=epoch))
    assert dict(ended)[0] == 9  # the best one
    short = [loss for loss, epoch in ended if epoch < 9]
    assert len(short) >= 8 and sum(short) / len(short) > 14.5
    states = [t.state for t in kind(tmp_path, plan(kind)).trials()]
    assert states.count("pruned") == len(short) and states.count("complete") == 30 - len(short)
    assert study.trials()[0].reports[1] == 0.0


@pytest.mark.parametrize("sampler", ["tpe", "cmaes", "nsga2"])
def test_samplers_of_optuna(sampler: str, tmp_path: Path) -> None:
    goal = "[val_loss, params]" if sampler == "nsga2" else "val_loss"
    chosen = plan(OptunaStudy, sampler=sampler, goal=goal, trials=30)
    for n in range(30):
        study = OptunaStudy(tmp_path, chosen, f"worker-{n}")
        trial = study.ask()
        assert trial is not None
        loss = (float(trial.values["drop"]) - 0.4) ** 2
        goals = (loss, float(trial.values["width"]))[: len(chosen.goals)]
        study.finish(trial.replace(state="complete", goals=goals))
    trials = OptunaStudy(tmp_path, chosen).trials()
    late = [abs(float(t.values["drop"]) - 0.4) for t in trials[20:]]
    if sampler != "nsga2":
        assert sum(late) / len(late) < 0.13  # 0.17 for random numbers
    assert {t.state for t in trials} == {"complete"} and len(trials) == 30


@pytest.mark.parametrize(
    ("name", "kind"),
    [("tpe", "TPESampler"), ("gp", "GPSampler"), ("cmaes", "CmaEsSampler"), ("nsga2", "NSGAIISampler")],
)
def test_each_name_is_its_sampler(name: str, kind: str) -> None:
    assert type(_sampler(plan(OptunaStudy, sampler=name), 0)).__name__ == kind


def test_a_package_of_a_sampler_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.search.checks.find_spec", lambda name: None if name == "torch" else object())
    with pytest.raises(CompileError, match=r"NS596.*`gp` needs the package `torch`"):
        plan(OptunaStudy, sampler="gp")
