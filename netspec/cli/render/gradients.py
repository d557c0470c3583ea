"""What `netspec check --gradients` writes: a row for each layer, and a mark at those whose gradient is wrong."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from netspec.cli.output import print_json, print_problems

if TYPE_CHECKING:
    from netspec.analysis.check_gradients import LayerGradients
    from netspec.language.diagnostics import Diagnostic
    from netspec.spec.compilation import Compilation


def print_gradients(spec: Compilation, as_json: bool) -> int:
    """Check the gradients of every layer, and write each row as it is found; how many are wrong."""
    from netspec.analysis.check_gradients import check_gradients, layers_of

    layers = layers_of(spec.optimized)
    widths = [max(map(len, texts)) for texts in zip(("layer", ""), *layers, strict=True)]
    if not as_json:
        click.echo(_line(("layer", "", "largest relative error", "in"), widths))
        click.echo(_line(("-" * widths[0], "-" * widths[1], "-" * 22, "-" * 9), widths))
    wrong: list[Diagnostic] = []
    for found in check_gradients(spec.optimized):
        if as_json:
            print_json(_record(found))
        else:
            click.echo(_line((found.name, found.call, *_verdict(found)), widths))
        wrong += [] if found.is_right else [found.diagnostic()]
    print_problems(wrong)
    return len(wrong)


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    name, call, error, rest = cells
    return f"{name:<{widths[0]}}  {call:<{widths[1]}}  {error:>22}  {rest}".rstrip()


def _verdict(found: LayerGradients) -> tuple[str, str]:
    worst = found.worst
    if worst is None:
        return "-", "nothing to check" if found.is_measured else f"computes in {found.precision}: too coarse to check"
    if all(part.kinks == part.entries for part in found.parts):
        return "-", "every number is at a kink"
    note = "" if found.precision == "float64" else f" (computes in {found.precision})"
    return f"{worst.error:.1e}", f"{worst.name}{note}" + ("" if found.is_right else "  <-- WRONG")


def _record(found: LayerGradients) -> dict[str, Any]:
    return {
        "event": "gradients",
        "layer": found.name,
        "call": found.call,
        "precision": found.precision,
        "tolerance": found.tolerance,
        "right": found.is_right,
        "parts": [
            {"name": p.name, "error": min(p.error, 1e300), "entries": p.entries, "kinks": p.kinks} for p in found.parts
        ],
    }
