"""Options that several commands share, and how they make a `Compilation`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from netspec.cli.output import use_json
from netspec.spec.compilation import Compilation, read_source

F = TypeVar("F", bound=Callable[..., Any])


def _set_json(ctx: click.Context, param: click.Parameter, value: bool) -> bool:
    use_json(value)
    return value


json_option = click.option("--json", "as_json", is_flag=True, callback=_set_json, is_eager=True, help="Print JSON.")


def spec_options(command: F) -> F:
    """`-D`, `--input` and `--data`: what the command line adds to a spec."""
    for decorate in (
        click.option(
            "--data",
            "data",
            metavar="SOURCE",
            help="The data source: mnist, 'csv(\"f.csv\", …)'; paths are relative to the current folder.",
        ),
        click.option(
            "--input",
            "input_shape",
            metavar="SHAPE",
            help="The input shape, for a spec that declares none.",
        ),
        click.option(
            "-D",
            "defines",
            metavar="NAME=VALUE",
            multiple=True,
            help="Set a param or a setting: -D train.epochs=3.",
        ),
    ):
        command = decorate(command)
    return command


def parse_defines(defines: tuple[str, ...], data: str | None) -> dict[str, str]:
    """`-D` values by name; `--data` is one of them."""
    found: dict[str, str] = {}
    for text in defines:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"-D takes NAME=VALUE, not `{text}`")
        found[name.strip()] = value.strip()
    if data is not None:
        found["data.source"] = data
    return found


def compilation(path: str, defines: tuple[str, ...], input_shape: str | None, data: str | None) -> Compilation:
    """The compilation that the command line asks for.

    Raises:
        CompileError: the file cannot be read.
    """
    return Compilation(read_source(Path(path)), overrides=parse_defines(defines, data), input=input_shape)
