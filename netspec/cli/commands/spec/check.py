"""`netspec check`"""

from __future__ import annotations

from collections.abc import Sequence

import click

from netspec.cli.files import read_spec
from netspec.cli.options import SpecOptions, json_option, spec_options
from netspec.cli.output import print_problems
from netspec.compiler.ir.cost import total_cost
from netspec.compiler.ir.printer import count
from netspec.display.text import line_width, plural
from netspec.language.diagnostics import CompileError, Diagnostic
from netspec.language.source import Source
from netspec.language.text import wrap
from netspec.search.checks import diagnose_with_search
from netspec.spec.compilation import Compilation


@click.command()
@click.argument("files", nargs=-1, required=True)
@click.option("--fix", is_flag=True, help="Apply unambiguous fixes, and show them as a diff.")
@click.option("--gradients", is_flag=True, help="Compare the gradient of each layer with finite differences.")
@spec_options
@json_option
def command(files: tuple[str, ...], fix: bool, gradients: bool, given: SpecOptions, as_json: bool) -> int:
    """Check spec FILES and report every error, with its location and what to write instead; `-` reads standard input.

    The exit status is 1 if there is an error; warnings alone leave it at 0. `--fix` rewrites the given files (standard
    input is written to standard output); ambiguous fixes, and files imported by `use`, are left unchanged.
    `--gradients` runs each layer separately, on its input in the network, and is meant for user-defined layers.

    \b
    Example:
        netspec check specs/digits.net
        netspec check --fix my.net
        netspec check --json specs/*.net
        netspec check my.net --input 28x28x1
        netspec --import my_layers check --gradients my.net
    """
    sources: dict[str, Source] = {}
    errors = 0
    for file in files:
        try:
            sources[file] = read_spec(file)
            if fix:
                from netspec.cli.commands.spec.fix import fix_file

                sources[file] = fix_file(file, sources[file], given.compilation, as_json)
        except CompileError as error:
            print_problems(error.diagnostics)
            errors += 1
            if not as_json:
                _print_count(file, error.diagnostics, "")
    for file, source in sources.items():
        spec = given.compilation(source)
        diagnostics = diagnose_with_search(spec)
        print_problems(diagnostics)
        mistakes = sum(d.is_error for d in diagnostics)
        errors += mistakes
        summary = "" if mistakes or spec.graph is None else _parameters_text(spec)
        if not as_json:
            _print_count(file, diagnostics, summary, to_stderr=fix and file == "-")
        if gradients and not mistakes:
            from netspec.cli.render.gradients import print_gradients

            errors += print_gradients(spec, as_json)
    return 1 if errors else 0


def _parameters_text(spec: Compilation) -> str:
    totals = total_cost(spec.network, spec.train.freeze)
    frozen = f" ({count(totals.frozen)} frozen)" if totals.frozen else ""
    return f", {count(totals.trainable)} trainable parameters{frozen}"


def _print_count(file: str, problems: Sequence[Diagnostic], summary: str, *, to_stderr: bool = False) -> None:
    mistakes = sum(d.is_error for d in problems)
    counts = ((mistakes, "error"), (len(problems) - mistakes, "warning"))
    found = " and ".join(plural(count, noun) for count, noun in counts if count) or "no errors"
    click.echo("\n".join(wrap(f"{file}: {found}{summary}", line_width(), "  ")), err=to_stderr)
