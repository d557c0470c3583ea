"""The command group. The module of a command is imported when it is called, so that `check` never waits for JAX."""

from __future__ import annotations

import importlib
import sys
import traceback
import warnings
from typing import Any

import click

from netspec._version import __version__
from netspec.cli.imports import comes_from_imported, import_modules
from netspec.cli.output import print_problems
from netspec.cli.streams import OutputLost, guard_streams, status_after
from netspec.cli.usage import print_usage, unknown_command
from netspec.language.diagnostics import CompileError
from netspec.language.files.cache_dir import NothingCached

COMMANDS = {
    "new": ("spec.new", "Look at data, and write a spec that trains on them."),
    "check": ("spec.check", "Check spec files and report every error."),
    "show": ("spec.show", "Show the layers of a network with shapes, parameters and costs."),
    "draw": ("spec.draw", "Draw a network."),
    "fmt": ("spec.format", "Format spec files."),
    "compile": ("spec.compile", "Write a network as Flax NNX source."),
    "augment": ("spec.augment", "Show augmented training images."),
    "lr": ("training.lr", "Find a learning rate."),
    "tune-speed": ("training.tune_speed", "Find the fastest way to train a network on this machine."),
    "tune": ("training.tune", "Search for the best hyperparameters."),
    "train": ("training.train", "Train a network, or resume a run."),
    "launch": ("training.launch", "Train on a cluster: Slurm, Kubernetes, Ray."),
    "runs": ("runs.runs", "List, compare and remove runs."),
    "watch": ("runs.watch", "Show runs as a page that follows their training."),
    "look": ("runs.look", "Show what is inside a trained network."),
    "plot": ("runs.plot", "Plot the loss and the metrics of runs."),
    "report": ("runs.report", "Write a page about runs."),
    "diff": ("spec.diff", "Show the differences between two specs or runs."),
    "verify-resume": (
        "training.verify_resume",
        "Verify that training is reproducible, also after a kill and resuming.",
    ),
    "eval": ("runs.evaluate", "Evaluate a run."),
    "predict": ("runs.predict", "Predict with a run."),
    "generate": ("runs.generate", "Continue a text with a language model."),
    "serve": ("runs.serve", "Serve predictions of runs over HTTP."),
    "export": ("runs.export", "Write a network for other programs: ONNX, PyTorch, Keras, StableHLO."),
    "import": ("spec.imports", "Read a network of another program as a spec: Keras, ONNX, PyTorch, Caffe, Darknet."),
    "convert": ("spec.convert", "Convert a network from one format of other programs to another."),
    "examples": ("reference.examples", "List the example specs that come with netspec, or write one."),
    "words": ("reference.words", "List the words of the language, or explain one."),
    "explain": ("reference.explain", "Explain an error code."),
}
"""Each command's module under `netspec/cli/commands/`, and its line in the help."""


_python_warning = warnings.showwarning


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module = importlib.import_module(f"netspec.cli.commands.{COMMANDS[name][0]}")
        command: click.Command = module.command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            raise unknown_command(args[0], COMMANDS)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="netspec %(version)s")
@click.option(
    "--import",
    "modules",
    metavar="MODULE",
    multiple=True,
    help="Import a Python module that declares user-defined words.",
)
def cli(modules: tuple[str, ...]) -> None:
    """netspec: write a neural network as on a whiteboard; check, compile and train it.

    \b
    Example:
        netspec train --example digits
        netspec new homes.csv --target price
        netspec examples digits
        netspec check digits.net
        netspec --import my_words check mine.net
    """
    import_modules(modules)


def main(args: list[str] | None = None) -> None:
    """Run a command and exit with 0 (clean), 1 (an error of the user), 2 (a bug in netspec) or 141 (a closed pipe)."""
    guard_streams()
    warnings.showwarning = _show_warning
    sys.exit(status_after(run(args)))


def run(args: list[str] | None = None) -> int:
    """Run a command; the exit status."""
    try:
        result = cli.main(args=args, standalone_mode=False)
    except CompileError as error:
        print_problems(error.diagnostics)
        return 1
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        print_usage(error, sys.argv[1:] if args is None else args)
        return 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return 130
    except OutputLost:
        return 1
    except Exception as error:  # noqa: BLE001  # the last resort: whatever gets here is a bug in netspec
        traceback.print_exc()
        if comes_from_imported(error):
            click.echo("\nnetspec: the error is in an imported module, see above", err=True)
            return 1
        click.echo("\nnetspec: internal error; please report it with the text above", err=True)
        return 2
    return result if isinstance(result, int) else 0


def _show_warning(message: Warning | str, category: type[Warning], *place: Any, **options: Any) -> None:
    """Warnings of Python, one of ours as a line of text."""
    if category is NothingCached:
        click.echo(f"warning: {message}", err=True)
    else:
        _python_warning(message, category, *place, **options)
