"""What `netspec.train` shows: in a script, in a notebook, with `verbose = 0`; and how problems and errors are shown."""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.display import kernel, python
from netspec.display.notebook import MAX_ROWS, NotebookReporter
from netspec.training.loop.callback import Tick
from tests.display.test_progress import DONE, METRICS, epoch, start

SPEC = "input 4\ndense(3, softmax)\nexpect { test_accuracy > 99% }\ntrain { epochs = 2 }"
UNMET = "test_accuracy"


def arrays() -> tuple[np.ndarray, np.ndarray]:
    return np.random.default_rng(0).normal(size=(30, 4)).astype(np.float32), np.arange(30) % 3


def train(folder: Path, **options: Any) -> netspec.Result:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return netspec.train(SPEC, arrays(), runs=folder, **options)


def test_a_line_for_each_epoch_and_silence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = train(tmp_path, expect="ignore")
    out = capsys.readouterr().out
    assert "  1/2  " in out and "  2/2  " in out and "weights, metrics and checkpoints are in" in out
    train(tmp_path, expect="ignore", verbose=0)
    netspec.resume(result.run, epochs=3, verbose=0, data=arrays(), expect="ignore")
    netspec.train_seeds(SPEC, arrays(), runs=tmp_path, seeds=2, epochs=1, verbose=False, expect="ignore")
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err == ""


def test_expectations_warn_or_raise(tmp_path: Path) -> None:
    with pytest.warns(python.UnmetExpectation, match=UNMET) as caught:
        result = netspec.train(SPEC, arrays(), runs=tmp_path, verbose=0)
    assert caught[0].filename == __file__, "it names the line of the user"
    assert [p.is_error for p in result.problems] == [True]
    with pytest.raises(netspec.CompileError, match=UNMET) as raised:
        train(tmp_path, expect="raise", verbose=0)
    assert (tmp_path / "network-2" / "weights.safetensors").is_file()
    assert str(tmp_path / "network-2") in raised.value.__notes__[0]


def test_warnings_are_shown_before_the_training(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spec = "input 4\ndense(3) -> batchnorm -> softmax\ntrain { epochs = 1 }"
    netspec.train(spec, arrays(), runs=tmp_path)
    assert capsys.readouterr().err.count("warning[NS354]") == 1


def test_an_uncaught_error_reads_as_a_command_prints_it(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text('import netspec\n\nnetspec.compile("input 4\\ndens(3)")\n')
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    expected = [
        "Traceback (most recent call last):",
        f'  File "{script}", line 3, in <module>',
        '    netspec.compile("input 4\\ndens(3)")',
    ]
    lines = [line for line in done.stderr.splitlines() if "~" not in line]  # carets of newer versions of Python
    assert lines[:3] == expected
    assert lines[3].startswith("error[NS201]") and lines[4:7] == [
        "  --> <spec>:2:1",
        "  2 | dens(3)",
        "    | ^^^^ not defined",
    ]


# ---------------------------------------------------------------- problems


def test_problems_are_shown_as_printed() -> None:
    found = netspec.check("input 4\ndens(8) -> dense(3, sofmax)")
    assert repr(found).count("error[NS201]") == 2 and "^^^^" in repr(found)
    assert repr(netspec.check("input 4\ndense(3)")) == "no problems"
    assert repr(found[0]).startswith("<error NS201 at <spec>:2:1: ")
    with pytest.raises(netspec.CompileError) as caught:
        netspec.compile("input 4\ndens(8)")
    assert repr(caught.value).startswith("<CompileError: NS201>\nerror[NS201]")


def test_html_is_escaped_and_aligned() -> None:
    """The text of the spec is never HTML, and without the tags the lines are those of the terminal."""
    import re
    from html import unescape

    (problem,) = netspec.check("input 4 # <script>alert(1)</script>\ndense(3) -> <b>")[:1]
    shown = problem._repr_html_()
    assert "<script" not in shown and "<b>" not in shown
    text = unescape(re.sub(r"<[^>]*>", "", shown))
    from netspec.language.diagnostics import render

    assert text == render(problem)
    assert "background:none" in shown and "color:inherit" in shown


# ---------------------------------------------------------------- in a notebook


class Display:
    """Stands for `IPython.display`."""

    def __init__(self) -> None:
        self.shown: list[Any] = []

    def display(self, value: Any, *, display_id: bool = False) -> Display:
        self.shown.append(value)
        return self

    update = display


def test_a_notebook_has_one_display(monkeypatch: pytest.MonkeyPatch) -> None:
    display = Display()
    now = 0.0
    monkeypatch.setattr("netspec.display.notebook.time.monotonic", lambda: now)
    reporter = NotebookReporter(display)
    reporter.start({**start(40), "steps": 10})
    reporter.progress(Tick(1, 40, 5, 10, {"loss": 1.5}, 1234.0, 61.0))
    for number in range(1, 41):
        now += 1.0
        reporter.epoch({**epoch(number), "metrics": METRICS})
    last = display.shown[-1]
    assert 'max="40" value="40"' in last._repr_html_() and "36 s left" in repr(display.shown[4])
    assert len(repr(last).splitlines()) <= MAX_ROWS + 6
    reporter.done({**DONE, "epochs": 40})
    assert "<progress" not in display.shown[-1]._repr_html_() and "40 epochs in 1 s" in repr(display.shown[-1])
    assert all(len(line) <= 80 for shown in display.shown for line in repr(shown).splitlines())


def test_a_kernel_is_recognized(monkeypatch: pytest.MonkeyPatch) -> None:
    assert kernel.notebook_display() is None

    class Shell:
        kernel = object()

    class IPython:
        @staticmethod
        def get_ipython() -> Shell:
            return Shell()

    monkeypatch.setitem(sys.modules, "IPython", IPython)
    monkeypatch.setattr(kernel, "import_module", lambda name: name)
    assert kernel.notebook_display() == "IPython.display"


# ---------------------------------------------------------------- wrong types


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: netspec.train(3, arrays()), r"`model` is a Model or a spec; .*, not an int"),
        (lambda: netspec.train(SPEC, arrays(), runs=3), r"`runs` is a folder \(str or Path\), not an int"),
        (lambda: netspec.train(SPEC, arrays(), resume=3), r"`resume` is a run folder .*, not an int"),
        (lambda: netspec.train(SPEC, arrays(), callbacks=3), r"`callbacks` is a list of callbacks .*, not an int"),
        (lambda: netspec.train(SPEC, arrays(), params=[3]), r"`params` is a dict .*, not a list"),
        (lambda: netspec.train(SPEC, arrays(), params={3: 4}), r"a key of params` is a str, not an int"),
        (lambda: netspec.train(SPEC, arrays(), verbose="yes"), r"`verbose` is 0, 1 or 2, not a str"),
        (lambda: netspec.train(SPEC, arrays(), expect=1), r"`expect` is 'warn', 'raise' or 'ignore', not an int"),
        (lambda: netspec.train(SPEC, arrays(), epochs=object()), r"`epochs` is a number, a bool, .* not an object"),
        (lambda: netspec.train(SPEC, 3), r"data are \(x, y\)"),
        (lambda: netspec.train_seeds(None), r"`model` is a Model or a spec; .*, not None"),
        (lambda: netspec.check(SPEC, input=4), r"`input` is the shape .*, not an int"),
        (lambda: netspec.compile(SPEC, data=arrays()), r"`data` is a data source .*, not a tuple"),
        (lambda: netspec.compile(SPEC, seed="one"), r"`seed` is an integer, not a str"),
        (lambda: netspec.compile(SPEC, seed=True), r"`seed` is an integer, not a bool"),
        (lambda: netspec.compile(SPEC, params="width"), r"`params` is a dict .*, not a str"),
        (lambda: netspec.parse(None), r"a spec is a file .*, not None"),
        (lambda: netspec.resume("runs/x", epochs=1.5), r"`epochs` is an integer, not a float"),
        (lambda: netspec.resume_seeds(3), r"`run` is a run folder .*, not an int"),
        (lambda: netspec.evaluate(3), r"`run` is a run folder .* or a Model, not an int"),
        (lambda: netspec.evaluate("runs/x", split=3), r"`split` is 'train', 'val' or 'test', not an int"),
        (lambda: netspec.load(3), r"`run` is a run folder .*, not an int"),
    ],
)  # fmt: skip
def test_wrong_types_say_what_is_wanted(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


@pytest.mark.parametrize("options", [{"verbose": 3}, {"expect": "maybe"}])
def test_wrong_values(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"`(verbose|expect)` is .*, not"):
        netspec.train(SPEC, arrays(), **options)


@pytest.mark.parametrize("error", [BrokenPipeError, OSError])
def test_a_training_goes_on_without_its_output(error: type[OSError], tmp_path: Path, monkeypatch: Any) -> None:
    """As on the command line: whoever closes the pipe after a few lines does not end the training."""
    lines: list[str] = []

    def lost(text: str = "", **options: Any) -> None:
        if len(lines) == 4:
            raise error
        lines.append(text)

    monkeypatch.setattr("netspec.display.progress.click.echo", lost)
    result = netspec.train("input 4\ndense(3, softmax)", arrays(), runs=tmp_path, epochs=12)
    assert len(lines) == 4 and result.epochs == 12 and not result.interrupted
