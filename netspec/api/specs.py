"""Read, check and compile a spec."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.compiler.names.given import ParamsText
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import Diagnostic, DiagnosticList, Problems
from netspec.language.kinds import MAX_SEED
from netspec.language.text import shorten
from netspec.runs.arguments import (
    check_no_others,
    check_optional,
    check_params,
    check_type,
    overrides_of,
    read_spec,
)
from netspec.spec.compilation import Compilation

if TYPE_CHECKING:
    from netspec.runs.model import Model


def parse(spec: str | Path) -> tree.File:
    """The syntax tree of a spec.

    Args:
        spec: a file or a text.

    Raises:
        CompileError: it has syntax errors, or the file cannot be read.
    """
    problems = Problems()
    file = parse_source(read_spec(spec), problems)
    problems.raise_errors()
    return file


def check(spec: str | Path, *, params: Mapping[str, Any] | None = None, input: str | None = None) -> list[Diagnostic]:
    """Every error and warning of a spec, those about its data and its settings included; an empty list if there are
    none. Examples are looked at where their files are small. The list is shown as the command line prints it.

    Args:
        spec: a file or a text.
        params: values for its `param` statements (`{"width": 64}`) and settings (`{"train.epochs": 3}`).
        input: the shape of the input (`"28x28x1"`), for a spec that declares none.

    Raises:
        CompileError: the file cannot be read.
    """
    from netspec.search.checks import diagnose_with_search

    return DiagnosticList(diagnose_with_search(_compilation(spec, params, input, None)))


def compile(
    spec: str | Path,
    *,
    params: Mapping[str, Any] | None = None,
    input: str | None = None,
    data: str | None = None,
    seed: int = 0,
    **others: Any,
) -> Model:
    """Compile a spec to a model.

    Args:
        spec: a file or a text.
        params: values for its `param` statements (`{"width": 64}`) and settings (`{"train.epochs": 3}`).
        input: the shape of the input (`"28x28x1"`), for a spec that declares none.
        data: a data source (`"mnist"`), for a spec that names none; file names are relative to the current folder.
        seed: the seed of the initial weights; where the spec says `init = "FILE"`, they come from that file.

    Raises:
        CompileError: the spec has errors; the exception carries the diagnostics.
        TypeError: an argument has a wrong type, or `others` has a setting or a `param`.
    """
    check_no_others(others)
    from netspec.runs.model import Model

    check_type("seed", seed, int, "an integer")
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"`seed` is an integer from 0 to {MAX_SEED}, not {shorten(str(seed))}")
    return Model(_compilation(spec, params, input, data), seed=seed, takes_init=True)


def _compilation(
    spec: str | Path, params: Mapping[str, Any] | None, input: str | None, data: str | None
) -> Compilation:
    check_params(params)
    check_optional("input", input, str, 'the shape as it is written in a spec (a str such as "28x28x1")')
    check_optional("data", data, str, 'a data source as it is written in a spec (a str such as "mnist")')
    overrides = overrides_of(params, {})
    if data is not None:
        overrides["data.source"] = ParamsText(data)
    return Compilation(read_spec(spec), overrides=overrides, input=input)
