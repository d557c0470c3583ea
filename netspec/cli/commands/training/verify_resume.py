"""`netspec verify-resume`"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import msgspec

from netspec.cli.imports import import_modules
from netspec.cli.options import DEVICE, SpecOptions, choose_device, json_option, spec_options
from netspec.cli.output import print_json, print_problems
from netspec.display.text import line_width
from netspec.language.diagnostics import CompileError
from netspec.language.kinds import MAX_COUNT
from netspec.language.text import wrap, wrap_cell, wrap_lines

if TYPE_CHECKING:
    from netspec.runs.repeated.verify_resume import Row, Task

PROGRAM = "from netspec.cli.commands.training.verify_resume import child; child()"
REPORTED = 3
"""The exit status of a process that has reported what is wrong."""
HINT = "on a GPU, set `XLA_FLAGS=--xla_gpu_deterministic_ops=true` in the environment, which makes JAX deterministic"


@click.command()
@click.argument("file")
@click.option("--epochs", type=click.IntRange(2, MAX_COUNT), default=2, show_default=True, help="The number of epochs.")
@click.option(
    "--steps",
    type=click.IntRange(2, MAX_COUNT),
    default=12,
    show_default=True,
    help="Maximum number of steps per epoch.",
)
@click.option("--device", **DEVICE)
@spec_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    file: str,
    epochs: int,
    steps: int,
    device: str | None,
    given: SpecOptions,
    as_json: bool,
) -> int:
    """Verify that training a spec FILE is reproducible on this machine, also after a kill and `--resume`.

    Trains a few steps on part of the data: once without interruption, once again in a new process, and once killed
    (SIGKILL) and resumed. Everything in the checkpoints is compared bit for bit. The network is compiled four times;
    the run folders are temporary. The exit status is 1 if a number differs.

    \b
    Example:
        netspec verify-resume specs/digits.net
        netspec verify-resume net.net --data mnist --device cpu --json
    """
    given.compilation(file).check()
    from netspec.runs.repeated.verify_resume import Task, compare_runs

    with tempfile.TemporaryDirectory(prefix="netspec-verify-") as folder:
        base = Task(str(Path(file).resolve()), given.overrides, given.input, "", epochs, steps)
        modules = ctx.parent.params["modules"] if ctx.parent is not None else ()
        runner = _Runner(folder, modules, device, as_json)
        kill_at = (epochs, max(1, steps // 2))
        one, again, resumed = (base.replace(folder=f"{folder}/{name}") for name in ("one", "again", "resumed"))
        runner.say(f"{file}: {epochs} epochs of at most {steps} steps")
        runner.run("trained without interruption", one)
        runner.run("trained again in a new process", again)
        tasks = resumed.replace(kill_at=kill_at), resumed.replace(resume=True)
        runner.run(f"killed in epoch {epochs}, resumed", *tasks)
        pairs = [compare_runs(Path(one.folder), Path(other.folder)) for other in (again, resumed)]
    is_equal = not any(row.differs for rows in pairs for row in rows)
    if as_json:
        print_json(_as_json(file, epochs, steps, pairs, is_equal=is_equal))
    else:
        _print_rows(*pairs)
        click.echo()
        text = "all runs are bitwise identical" if is_equal else f"the runs differ\n  hint: {HINT}"
        click.secho(wrap_lines(text, line_width()), fg="green" if is_equal else "red", bold=True)
    return 0 if is_equal else 1


class _Runner:
    """Runs trainings in separate processes, one after the other."""

    def __init__(self, folder: str, modules: tuple[str, ...], device: str | None, quiet: bool) -> None:
        self.folder, self.modules, self.device, self.quiet, self.count = folder, modules, device, quiet, 0

    def say(self, text: str, *, more: bool = False) -> None:
        if not self.quiet:
            click.echo(wrap_lines(text, line_width()), nl=not more)

    def run(self, what: str, *tasks: Task) -> None:
        """Carry out tasks; all but the last are to kill themselves.

        Raises:
            click.exceptions.Exit: the spec or the data are wrong, which the process has reported.
            click.ClickException: it ended in another way.
        """
        self.count += 1
        self.say(f"  {self.count}  {what:<34}", more=True)
        began = time.perf_counter()
        for task in tasks:
            status = self._process(task)
            if status == REPORTED:
                raise click.exceptions.Exit(1)
            if status != 0 and task.kill_at is None:
                raise click.ClickException(f"the training ended with status {status}")
        self.say(f"{time.perf_counter() - began:6.1f} s")

    def _process(self, task: Task) -> int:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        order = json.dumps({"task": msgspec.to_builtins(task), "modules": self.modules, "device": self.device}).encode()
        done = subprocess.run([sys.executable, "-c", PROGRAM], input=order, env=environment, check=False)
        return done.returncode


def child() -> None:
    """Carry out the task on the standard input of this process."""
    order = json.loads(sys.stdin.buffer.read())
    from netspec.runs.repeated.verify_resume import Task, carry_out

    try:
        import_modules(tuple(order["modules"]))
        choose_device(order["device"])
        carry_out(msgspec.convert(order["task"], Task))
    except CompileError as error:
        print_problems(error.diagnostics)
        sys.exit(REPORTED)
    except click.ClickException as error:
        error.show()
        sys.exit(REPORTED)


def _print_rows(again: list[Row], resumed: list[Row]) -> None:
    lines = [
        (row.what, f"{row.numbers:,}", row.differs, other.differs) for row, other in zip(again, resumed, strict=False)
    ]
    numbers = max(len("numbers"), *(len(line[1]) for line in lines))
    width = min(max(len(line[0]) for line in lines), max(16, line_width() - numbers - 24))
    click.echo()
    click.secho(f"  {'compared':<{width}}  {'numbers':>{numbers}}  1 = 2     1 = 3", bold=True)
    for name, count, *differs in lines:
        *before, what = wrap_cell(name, width)
        for line in before:
            click.echo(f"  {line}")
        cells = [click.style("differ" if text else "equal", fg="red" if text else "green") for text in differs]
        click.echo(f"  {what:<{width}}  {count:>{numbers}}  {'     '.join(cells)}")
        for text in [text for text in differs if text][:1]:
            click.echo("\n".join(wrap(f"      {text}", line_width(), " " * 6)))


def _as_json(file: str, epochs: int, steps: int, pairs: list[list[Row]], *, is_equal: bool) -> dict[str, Any]:
    records = [[{**msgspec.structs.asdict(row), "equal": not row.differs} for row in rows] for rows in pairs]
    compared = dict(zip(("again", "resumed"), records, strict=True))
    return {"file": file, "epochs": epochs, "steps": steps, "equal": is_equal, "compared": compared}
