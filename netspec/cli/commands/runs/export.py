"""`netspec export`"""

from __future__ import annotations

from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.options import SpecOptions, json_option, spec_options
from netspec.cli.output import print_problems, print_report, usage_errors
from netspec.interchange.formats import CODE, FORCE, FORMATS, Format, Option, find_format
from netspec.language.files.paths import is_folder
from netspec.storage.run_files import path_of_run

if TYPE_CHECKING:
    from netspec.interchange.export import Export
    from netspec.spec.model import Model

IF_EXISTS = "--force replaces those of the same names"
OPTIONS = {
    **{option.name: (option, found.title) for found in FORMATS.values() for option in found.options},
    CODE.name: (CODE, "files"),
    FORCE.name: (FORCE, "folders"),
}
"""The options of all formats by name, each with what it is for."""


def format_options(command: Any) -> Any:
    """The options of all formats; those that are not given are None."""

    def declared(option: Option, title: str) -> Any:
        doc = f"{title}: {option.doc}."
        if isinstance(option.default, bool):
            return click.option(f"--{option.name}", is_flag=True, default=None, help=doc)
        kind = click.Choice(option.choices) if option.choices else click.INT
        return click.option(f"--{option.name}", type=kind, metavar="N" if kind is click.INT else None, help=doc)

    decorators = [declared(option, title) for option, title in reversed(OPTIONS.values())]
    return reduce(lambda decorated, option: option(decorated), decorators, command)


class _Command(click.Command):
    """A command whose help ends with the formats."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Formats"):
            formatter.write_dl(
                [(f"{name} ({', '.join(f.endings) or 'a folder'})", _about(f)) for name, f in FORMATS.items()]
            )


def _about(found: Format) -> str:
    extra = f"; needs `pip install 'netspec-compiler[{found.extra}]'`" if found.extra else ""
    return f"{found.carries}{extra}."


@click.command(cls=_Command)
@click.argument("run", metavar="RUN|FILE")
@click.option("-o", "--output", metavar="MODEL", help="The file or folder to write; its ending says the format.")
@click.option("--to", "name", type=click.Choice(list(FORMATS)), help="The format (default: by the ending, or onnx).")
@format_options
@spec_options
@json_option
def command(run: str, output: str | None, name: str | None, given: SpecOptions, as_json: bool, **options: Any) -> int:
    """Write the network of a RUN folder for other programs, with its best weights; or that of a spec FILE, with its
    initial weights.

    Raw values go in, as in the data of the training, and predictions come out. The file is verified before it is
    written.

    \b
    Example:
        netspec export runs/mnist_cnn-1 -o mnist.onnx
        netspec export runs/mnist_cnn-1 -o mnist.onnx --opset 18 --layout nchw
        netspec export runs/mnist_cnn-1 -o model.py --code
        netspec export runs/mnist_cnn-1 --to huggingface -o mnist
        netspec export specs/resnet18.net --to onnx
    """
    name = name if output is not None or name is not None else next(iter(FORMATS))
    options = {option: value for option, value in options.items() if value is not None}
    with usage_errors(IF_EXISTS):
        found = find_format(Path(output or ""), name)
        found.checked(options)
    model = _model(run, given)
    print_problems(() if as_json else model.compilation.problems.warnings)
    from netspec.interchange.export import export_model

    path = Path(output or f"{model.name}{next(iter(found.endings), '')}")
    if options.get(CODE.name) and model.preprocessing is None:
        raise click.UsageError(f"--code is for a run: nothing is known of the inputs of {run}")
    with usage_errors(IF_EXISTS):
        done = export_model(model, path, found.name, options)
    print_report(done, export_as_json(done), as_json)
    return 0


def _model(run: str, given: SpecOptions) -> Model:
    """The model of a run folder or of a spec."""
    from netspec.spec.model import Model
    from netspec.spec.saved import load_model

    path = path_of_run(run)
    if not is_folder(path):
        spec = given.compilation(run)
        spec.check()
        return Model(spec, seed=spec.train.seed, takes_init=True)
    if not given.is_empty:
        raise click.UsageError(f"{run} is a run, which is exported as it was trained: omit -D, --input and --data")
    return load_model(path)


def export_as_json(done: Export) -> dict[str, Any]:
    """The record of an export."""
    found = done.verification
    return {
        "path": str(done.path),
        "files": [str(file) for file in done.files],
        "format": done.format,
        "inputs": done.inputs,
        "outputs": done.outputs,
        "verified_with": None if found is None else done.tool,
        "difference": None if found is None else found.difference,
        "examples": None if found is None else found.examples,
        "cost": done.cost or None,
    }
