"""`netspec check`"""

from __future__ import annotations

import click

from netspec.cli.options import compilation, json_option, spec_options
from netspec.cli.output import count_text, print_problems
from netspec.compiler.ir.cost import total_cost
from netspec.compiler.ir.printer import count
from netspec.language.diagnostics import CompileError, Diagnostic


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--gradients", is_flag=True, help="Compare the gradient of each layer with finite differences.")
@spec_options
@json_option
def command(
    files: tuple[str, ...],
    gradients: bool,
    defines: tuple[str, ...],
    input_shape: str | None,
    data: str | None,
    as_json: bool,
) -> int:
    """Check spec FILES and show every mistake, with its place and what to type instead.

    The exit status is 1 when there is an error; warnings alone leave it at 0. `--gradients` runs every layer alone, on
    what reaches it in the network, and is meant for layers of your own.

    \b
    Example:
        netspec check specs/digits.net
        netspec check --json specs/*.net
        netspec check net.net --input 28x28x1
        netspec --import my_layers check --gradients net.net
    """
    errors = 0
    for file in files:
        diagnostics: list[Diagnostic]
        summary = ""
        try:
            spec = compilation(file, defines, input_shape, data)
            diagnostics = list(spec.diagnose())
            if spec.graph is not None:
                summary = f", {count(total_cost(spec.graph).trainable)} trainable parameters"
        except CompileError as error:
            diagnostics = list(error.diagnostics)
        print_problems(diagnostics)
        mistakes = sum(d.is_error for d in diagnostics)
        errors += mistakes
        if not as_json:
            text = count_text(mistakes, len(diagnostics) - mistakes)
            click.echo(f"{file}: {text}" + ("" if mistakes else summary))
        if gradients and not mistakes:
            from netspec.cli.render.gradients import tell_gradients

            errors += tell_gradients(spec, as_json)
    return 1 if errors else 0
