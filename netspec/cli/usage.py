"""What to type instead of a command or an option that does not exist."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import click

from netspec.display.text import line_width
from netspec.language.corrections import squeeze, suggest
from netspec.language.text import printable, shorten, wrap_block

COMMAND_NAMES = {
    **dict.fromkeys(["fit", "run", "learn", "start"], "train"),
    **dict.fromkeys(["summary", "info", "describe", "inspect"], "show"),
    **dict.fromkeys(["plotmodel", "visualize", "graph", "view", "picture"], "draw"),
    **dict.fromkeys(["evaluate", "test", "score", "validation"], "eval"),
    **dict.fromkeys(["infer", "inference", "classify", "apply"], "predict"),
    **dict.fromkeys(["build", "generate"], "compile"),
    **dict.fromkeys(["onnx", "savemodel"], "export"),
    **dict.fromkeys(["lint", "validate", "verify"], "check"),
    **dict.fromkeys(["format", "prettify"], "fmt"),
    **dict.fromkeys(["lrfind", "findlr", "lrfinder", "learningrate"], "lr"),
    **dict.fromkeys(["list", "ls", "history", "experiments"], "runs"),
    **dict.fromkeys(["example"], "examples"),
    **dict.fromkeys(["init", "create", "scaffold", "automl", "quickstart"], "new"),
    **dict.fromkeys(["docs", "reference", "layers"], "words"),
    **dict.fromkeys(["live", "serve", "dashboard", "tensorboard", "monitor"], "watch"),
    **dict.fromkeys(["resume", "continue"], "train --resume RUN"),
    **dict.fromkeys(["slurm", "sbatch", "submit", "kubernetes", "ray", "cluster"], "launch"),
    "compare": "runs compare RUN RUN",
    "help": "--help",
}
"""What other tools call commands, squeezed."""

RUNS_NAMES = {
    **dict.fromkeys(["delete", "remove", "del"], "rm"),
    **dict.fromkeys(["clean", "cleanup", "purge", "gc"], "prune"),
    **dict.fromkeys(["diff", "cmp"], "compare"),
}
"""What other tools call the commands of `netspec runs`, squeezed."""


def unknown_command(name: str, known: Collection[str]) -> click.UsageError:
    """The error for a command of `netspec` that does not exist."""
    if name.endswith(".net"):
        hint = f"give a command, such as `netspec check {name}` or `netspec train {name}`"
    elif squeeze(name) in COMMAND_NAMES:
        hint = f"did you mean `netspec {COMMAND_NAMES[squeeze(name)]}`?"
    else:
        hint = suggest(name, known, what="commands", limit=len(known))
    return click.UsageError(f"unknown command `{name}`\n{hint}")


def print_usage(error: click.ClickException, arguments: Sequence[str]) -> None:
    """An error of the command line, and what to type instead."""
    message, *hints = error.format_message().split("\n")
    if type(error) not in (click.UsageError, click.ClickException):  # one of the messages of click
        message = message[0].lower() + message[1:].rstrip(".")
    context = getattr(error, "ctx", None)
    setting = _as_setting(error, arguments) if isinstance(error, click.NoSuchOption) else ""
    if setting:
        message, hints = message.partition(". ")[0], setting.split("\n")
    if spaced := _without_spaces(arguments):
        message, hints = "-D takes NAME=VALUE as one word", [f"write it without spaces: `{spaced}`"]
    hints += [f"see `{context.command_path} --help`"] if context is not None else []
    lines = [f"error: {message}", *(hint if hint.startswith("  ") else f"  hint: {hint}" for hint in hints)]
    for line in lines:
        rest = " " * (8 if line.startswith("  hint: ") else 2)
        click.echo(wrap_block(printable(shorten(line)), line_width(), rest), err=True)


def _without_spaces(arguments: Sequence[str]) -> str:
    """For `-D train.epochs = 3`, what to type; empty where there are no spaces around a `=`."""
    from netspec.compiler.names.given import Given

    for index in (i for i, option in enumerate(arguments) if option == "-D"):
        given = [*arguments[index + 1 : index + 4], "", "", ""]
        name, sign, value = given[:3] if not given[0].endswith("=") else (given[0][:-1], "=", given[1])
        value = sign[1:] or value
        if name and "=" not in name and sign.startswith("=") and value:
            return Given.of(name, value).write(name, value)
    return ""


def _as_setting(error: click.NoSuchOption, arguments: Sequence[str]) -> str:
    """For `--epochs 5`, a setting that is given as an option: how it is given; empty where there is no such setting."""
    options = [option.name for option in error.ctx.command.params] if error.ctx is not None else []
    if "defines" not in options or not error.option_name.startswith("--"):
        return ""
    from netspec.compiler.names.given import advise_given_text

    written = next((i for i, text in enumerate(arguments) if text.partition("=")[0] == error.option_name), None)
    if written is None:
        return ""
    _, equals, value = arguments[written].partition("=")
    value = value if equals else next(iter(arguments[written + 1 :]), "…")
    return advise_given_text(error.option_name[2:].replace("-", "_"), value)
