"""`netspec explain`"""

from __future__ import annotations

import inspect

import click

from netspec.cli.options import json_option
from netspec.cli.output import print_result
from netspec.display.text import line_width
from netspec.language.reference.entries import explain, explanation_text, programs, suggest_code


@click.command()
@click.argument("code")
@json_option
def command(code: str, as_json: bool) -> int:
    """Explain an error CODE: what it means, with a wrong and a corrected program.

    \b
    Example:
        netspec explain NS301
    """
    kind = explain(code)
    if kind is None:
        raise click.ClickException(f"unknown error code `{code}`\n" + suggest_code(code))
    text, shown = inspect.cleandoc(kind.__doc__ or ""), programs(kind)
    record = {"text": text, "wrong": shown.get("wrong"), "right": shown.get("right")}
    page = {"code": kind.code, "severity": kind.severity, **record}
    print_result(page if as_json else explanation_text(kind, line_width()))
    return 0
