"""`netspec explain`"""

from __future__ import annotations

import inspect

import click

from netspec.cli.options import json_option
from netspec.cli.output import print_json
from netspec.language.reference import examples, explain, explanation_text, suggest_code


@click.command()
@click.argument("code")
@json_option
def command(code: str, as_json: bool) -> int:
    """Explain an error CODE: what it means, a wrong program and a right one.

    \b
    Example:
        netspec explain NS301
    """
    kind = explain(code)
    if kind is None:
        raise click.ClickException(f"there is no error code `{code}`.\n" + suggest_code(code))
    if not as_json:
        click.echo(explanation_text(kind))
        return 0
    wrong, right = examples(kind) or (None, None)
    text = inspect.cleandoc(kind.__doc__ or "")
    print_json({"code": kind.code, "severity": kind.severity, "text": text, "wrong": wrong, "right": right})
    return 0
