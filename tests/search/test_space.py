"""The section `tune`: what it describes, and what is said of mistakes in it."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

import netspec
from netspec.cli.main import run
from netspec.compiler.syntax.formatter import format_source
from netspec.language.diagnostics import Problems
from netspec.language.source import Source
from netspec.search.best.spec_text import spec_of_trial
from netspec.search.checks import at_point, plan_search
from netspec.search.goals import dominates, front, goals_of
from netspec.search.spaces.read_space import read_space
from netspec.search.spaces.space import Choice, Range, Space, number_source
from netspec.search.trials.own import grid, is_rung, random_point
from netspec.spec.canonical import meaning_of
from netspec.spec.compilation import Compilation

NET = """\
param width = 32
param blocks = 2
param drop = 0.25

input 8x8x1

conv(width, 3x3, relu) * blocks -> dropout(drop) -> maxpool(2) -> dense(classes, softmax)

data {
    source = digits
    val    = 10%
}

train {
    epochs = 3
}
"""


def tune(params: str = "", train: str = "", settings: str = "") -> str:
    """The spec with a section `tune`; lines are separated by `;`."""

    def lines(text: str, indent: str) -> str:
        return "".join(f"{indent}{line.strip()}\n" for line in text.split(";") if line.strip())

    inner = f"    params {{\n{lines(params, ' ' * 8)}    }}\n" if params else ""
    inner += f"    train {{\n{lines(train, ' ' * 8)}    }}\n" if train else ""
    return f"{NET}\ntune {{\n{lines(settings, ' ' * 4)}{inner}}}\n"


def space_of(text: str, **overrides: str) -> Space:
    problems = Problems()
    space = read_space(Compilation(Source("net.net", text), overrides=overrides), problems)
    problems.raise_errors()
    return space


def codes(text: str) -> list[str]:
    return [problem.code for problem in netspec.check(text) if problem.is_error]


def test_ranges_have_the_type_of_what_they_are_for() -> None:
    space = space_of(tune("width = log(16, 128); blocks = int(1, 4); drop = log(1, 2)", "rate = log(1e-4, 1e-1)"))
    width, blocks, drop, rate = space.dimensions
    assert isinstance(width, Range) and (width.is_log, width.step, width.ends) == (True, 1, (16, 128))
    assert isinstance(blocks, Range) and (blocks.is_log, blocks.step, blocks.ends) == (False, 1, (1, 4))
    assert isinstance(drop, Range) and drop.step == 0  # `drop` is 0.25 in the spec
    assert isinstance(rate, Range) and rate.ends == (0.0001, 0.1)
    assert width.at(0.5) == round(math.sqrt(16 * 128)) and rate.at(0.5) == pytest.approx(math.sqrt(1e-5), rel=1e-3)
    assert [rate.fraction_of(rate.at(x)) for x in (0.0, 0.3, 1.0)] == pytest.approx([0, 0.3, 1], abs=1e-3)


def test_steps_of_integers() -> None:
    (width,) = space_of(tune("width = int(16, 70, step = 16)")).dimensions
    assert isinstance(width, Range) and [width.rounded(x) for x in (16, 25, 40, 69)] == [16, 32, 48, 64]


def test_what_is_chosen_decides_what_counts() -> None:
    text = tune(
        "", "optimizer = (adam | sgd(momentum = uniform(0.5, 0.9))); rate = log(1e-4, 1e-1); nesterov = (true | false)"
    )
    space = space_of(text)
    assert [d.name for d in space.dimensions] == ["optimizer", "sgd.momentum", "rate", "nesterov"]
    values = {"optimizer": "adam", "rate": 0.01, "sgd.momentum": 0.7, "nesterov": "true"}
    adam = space.point(values)
    assert adam.overrides == {"train.optimizer": "adam(0.01, nesterov = true)"}
    assert "sgd.momentum" not in adam.values
    sgd = space.point({**values, "optimizer": "sgd"})
    made = at_point(Compilation(Source("net.net", text)), sgd.overrides).train.optimizer[0]
    assert (made.word, made.rate, made.momentum, made.nesterov) == ("sgd", 0.01, 0.7, True)  # type: ignore[attr-defined]
    rmsprop = space_of(tune("", "optimizer = (adam | rmsprop); b1 = uniform(0.8, 0.9)"))
    assert "b1" not in rmsprop.point({"optimizer": "rmsprop", "b1": 0.85}).values


def test_conditions() -> None:
    space = space_of(tune("blocks = int(1, 4); width = (int(8, 16) if blocks > 2 else int(32, 64))"))
    few = space.draw(lambda d: 2 if d.name == "blocks" else d.ends[0])
    many = space.draw(lambda d: 3 if d.name == "blocks" else d.ends[0])
    assert (few.overrides["width"], many.overrides["width"]) == ("32", "8")
    ends = {(d.name, value) for d, value, _ in space.corners()}
    assert {("width", 16), ("width_2", 64)} <= ends


def test_every_end_is_met_and_is_at_its_point() -> None:
    space = space_of(
        tune("width = log(16, 128)", "optimizer = (adam | sgd(momentum = uniform(0.5, 0.9))); batch = (16 | 32)")
    )
    found = [(d.name, value) for d, value, point in space.corners() if point.values[d.name] == value]
    assert sorted(map(str, found)) == sorted(str((d.name, end)) for d in space.dimensions for end in d.ends)


def test_a_grid_has_every_combination_once() -> None:
    space = space_of(tune("blocks = int(1, 3)", "optimizer = (adam | sgd(momentum = uniform(0.5, 0.9)))"))
    points = [point.values for point in grid(space)]
    assert len(points) == len({str(p) for p in points}) == 3 * (1 + 5)
    assert sum("sgd.momentum" in point for point in points) == 15


def test_random_points_follow_from_the_seed_and_cover_the_range() -> None:
    space = space_of(tune("width = int(1, 4); drop = uniform(0, 1)", "rate = log(1e-4, 1)"))
    points = [random_point(space, 3, n) for n in range(400)]
    assert points[7] == random_point(space, 3, 7) != random_point(space, 4, 7)
    counts = [sum(p.values["width"] == n for p in points) for n in (1, 2, 3, 4)]
    assert min(counts) > 70  # 100 expected, standard deviation 8.7
    logs = [math.log10(float(p.values["rate"])) for p in points]
    assert min(logs) >= -4 and max(logs) <= 0 and abs(sum(logs) / 400 + 2) < 0.25


@pytest.mark.parametrize(
    ("value", "text"),
    [(64, "64"), (0.25, "0.25"), (3e-4, "3e-4"), (0.0018661, "0.0018661"), (1.0, "1.0"), (2.5e7, "2.5e7"), ("a", "a")],
)
def test_numbers_as_a_person_writes_them(value: object, text: str) -> None:
    assert number_source(value) == text  # type: ignore[arg-type]
    assert isinstance(value, str) or float(text) == value


def test_rungs() -> None:
    assert [epoch for epoch in range(1, 100) if is_rung(epoch)] == [1, 3, 9, 27, 81]


# ---------------------------------------------------------------- goals


def test_the_front_of_several_goals() -> None:
    goals = goals_of(("val_accuracy", "params"))
    assert [goal.is_higher for goal in goals] == [True, False]
    values = [(0.9, 100.0), (0.8, 50.0), (0.85, 120.0), (0.95, 300.0), (0.8, 50.0)]
    assert front(values, goals) == [3, 0, 1]
    assert dominates((0.9, 100), (0.85, 120), goals) and not dominates((0.8, 50), (0.9, 100), goals)


# ---------------------------------------------------------------- mistakes


@pytest.mark.parametrize(
    ("text", "code", "hint"),
    [
        (tune("widht = int(1, 4)"), "NS590", "did you mean `width`?"),
        (tune("epochs = int(1, 4)"), "NS590", "train { }"),
        (tune("", "rat = log(1e-3, 1)"), "NS590", "did you mean `rate`?"),
        (tune("", "seed = int(1, 4)"), "NS590", "the same for all trials"),
        (tune("width = 5"), "NS591", "-D"),
        (tune("width = randint(1, 4)"), "NS591", "did you mean `int`?"),
        (tune("width = int(4, 1)"), "NS591", "lowest number first"),
        (tune("width = int(4, 4)"), "NS591", "another end"),
        (tune("width = [8, 16]"), "NS591", "`(8 | 16)`"),
        (tune(f"width = ({' | '.join(map(str, range(3000)))})"), "NS593", "leave this value out"),
        (tune("width = int(1, 4)", settings="time = 10m"), "NS105", "`10 minutes`"),
        (tune("width = int(4)"), "NS591", ""),
        (tune("width = log(0, 4)"), "NS591", "uniform"),
        (tune("width = int(1, 2.5)"), "NS591", "uniform(1, 2.5)"),
        (tune("width = int(1, 4, steps = 2)"), "NS591", "step = 16"),
        (tune("width = int(1, 4, step = 9)"), "NS591", ""),
        (tune("width = (8 | 8)"), "NS591", "once"),
        (tune("blocks = int(1, 4) if depth > 2 else 1"), "NS591", "compares a range above it"),
        (tune(), "NS592", "tune {"),
        (tune("width = int(0, 4)"), "NS593", "1 or more"),
        (tune("", "batch = (16 | none)"), "NS593", ""),
        (tune("width = int(1, 4)", settings="goal = val_f1"), "NS594", "metrics = accuracy"),
        (tune("width = int(1, 4)", settings="goal = [val_loss, params]; pruner = halving"), "NS595", "one goal"),
        (tune("width = int(1, 4)", settings="goal = [val_loss, params]; sampler = cmaes"), "NS595", "nsga2"),
        (tune("width = int(1, 4)", settings="sampler = grid; pruner = median"), "NS595", "halving"),
        (tune("width = int(1, 4)").replace("params", "parms"), "NS219", "did you mean `params`?"),
        (tune("width = int(1, 4)", settings="trails = 4"), "NS202", "did you mean `trials`?"),
        (tune("width = int(1, 4)", settings="goal = test_accuracy"), "NS201", ""),
        (tune("width = int(1, 4)", settings="trials = 0"), "NS206", ""),
    ],
)  # fmt: skip
def test_mistakes_are_found_before_the_first_trial(text: str, code: str, hint: str) -> None:
    errors = [problem for problem in netspec.check(text) if problem.is_error]
    assert [error.code for error in errors] == [code]
    assert hint in errors[0].hint_text
    assert errors[0].span is not None or code == "NS592"


def test_a_range_that_does_not_compile_is_shown_at_its_place() -> None:
    text = tune("blocks = int(1, 9)").replace("-> maxpool(2)", "-> conv(4, 3x3, pad = valid) * blocks")
    (error,) = [problem for problem in netspec.check(text) if problem.is_error]
    assert error.code == "NS593" and "`blocks = 9`" in error.message and "kernel is larger" in error.message
    assert error.span is not None and error.span.text == "int(1, 9)"


def test_a_package_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.search.checks.find_spec", lambda name: None)
    text = tune("width = int(1, 4)", settings="sampler = tpe")
    (error,) = netspec.check(text)
    assert error.code == "NS596" and "netspec-compiler[tune]" in error.hint_text
    assert codes(tune("width = int(1, 4)")) == []
    assert plan_search(Compilation(Source("net.net", tune("width = int(1, 4)")))).sampler == "random"


def test_a_value_of_the_command_line_is_not_searched() -> None:
    spec = Compilation(Source("net.net", tune("width = int(1, 4)")), overrides={"width": "8"})
    with pytest.raises(netspec.CompileError, match="NS590"):
        plan_search(spec)


def test_check_and_fmt(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "net.net"
    file.write_text(tune("width = int(9, 4)"))
    assert run(["check", str(file)]) == 1
    printed = capsys.readouterr()
    assert "NS591" in printed.err and "1 error" in printed.out
    text = tune("width  =  int( 1,4 )", "optimizer=(adam|sgd( momentum = uniform(0.5,0.9)))", "trials=10")
    formatted = format_source(Source("net.net", text))
    assert "        width = int(1, 4)\n" in formatted
    assert "        optimizer = (adam | sgd(momentum = uniform(0.5, 0.9)))\n" in formatted
    assert format_source(Source("net.net", formatted)) == formatted


def test_the_section_does_not_change_what_a_spec_means() -> None:
    with_tune = Compilation(Source("net.net", tune("width = int(1, 4)")))
    assert meaning_of(with_tune).hash == meaning_of(Compilation(Source("net.net", NET))).hash


def test_names_in_the_section_are_used() -> None:
    text = NET.replace("param drop = 0.25", "param drop = 0.25\ndef small = relu\ndef large = gelu\nparam act = small")
    text = (
        text.replace("dropout(drop)", "dropout(drop) -> act")
        + "\ntune {\n    params {\n        act = (small | large)\n    }\n}\n"
    )
    assert netspec.check(text) == []


# ---------------------------------------------------------------- the best spec


def test_the_best_spec_means_what_the_trial_was(tmp_path: Path) -> None:
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/blocks.net").write_text("def unit(n) = conv(n, 3x3, relu)\n")
    text = 'use "blocks.net" (unit)\n\n' + tune(
        "width = log(16, 128)", "optimizer = (adam | sgd); rate = log(1e-5, 1); batch = (16 | 32)"
    )
    text = text.replace("conv(width, 3x3, relu)", "unit(width)").replace("input 8x8x1", "input 8x8x1  # a comment")
    text = text.replace("tune {", "# What is searched.\ntune {").replace("epochs = 3", "epochs = 3  # few")
    file = tmp_path / "specs/net.net"
    file.write_text(text)
    overrides = {"data.val": "20%", "train.optimizer.rate": "0.5"} | {"tune.trials": "3"}
    spec = Compilation(Source.read(file), overrides=overrides)
    trial = {"width": "48", "train.optimizer": "sgd(2e-5)", "train.batch": "16"}
    written = spec_of_trial(spec, trial, tmp_path / "runs", ("the best",))
    (tmp_path / "runs").mkdir()
    (tmp_path / "runs/best.net").write_text(written)
    again = Compilation(Source.read(tmp_path / "runs/best.net"))
    assert meaning_of(again).hash == meaning_of(at_point(spec, trial)).hash
    assert written.startswith("# the best\n\n") and "tune" not in written and "searched" not in written
    assert 'use "../specs/blocks.net" (unit)' in written and "# a comment" in written and "# few" in written
    assert "param width = 48\n" in written and re.search(r"optimizer = sgd\(2e-5\)\n", written)
    assert format_source(Source("best.net", written)) == written


def test_sections_that_a_spec_lacks_are_added(tmp_path: Path) -> None:
    text = "input 4\ndense(3, softmax)"
    spec = Compilation(Source("net.net", text))
    written = spec_of_trial(spec, {"train.batch": "16"}, tmp_path)
    assert written == "input 4\ndense(3, softmax)\n\ntrain {\n    batch = 16\n}\n"


def test_choices_keep_their_labels_short() -> None:
    (choice, *_) = space_of(tune("", "optimizer = (clip(1.0) -> adam | sgd(rate = log(1e-3, 1)))")).dimensions
    assert isinstance(choice, Choice) and choice.labels == ("clip(1.0) -> adam", "sgd")
