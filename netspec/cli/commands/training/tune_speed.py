"""`netspec tune-speed`"""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from netspec.cli.options import SpecOptions, device_option, json_option, spec_options
from netspec.cli.output import print_once, print_result
from netspec.display.text import line_width
from netspec.language.lowering_families import FAST, LoweringKind
from netspec.language.text import fit_columns, wrap_lines, wrap_row

if TYPE_CHECKING:
    from netspec.analysis.tune_lowering import Tuning


@click.command()
@click.argument("file")
@click.option(
    "--seconds",
    type=click.FloatRange(0),
    default=20.0,
    show_default=True,
    help="How long to measure, without compilation.",
)
@device_option
@spec_options
@json_option
def command(file: str, seconds: float, given: SpecOptions, as_json: bool) -> int:
    """Find the layer implementations that train a spec FILE fastest on this machine, and cache the choice.

    Complete training steps are timed, alternating between the candidates. `netspec train` uses the result for the same
    network, batch size and device, unless the spec sets `lowering`. No run folder is created.

    \b
    Example:
        netspec tune-speed specs/digits.net
        netspec tune-speed net.net --seconds 60
    """
    spec = given.compilation(file)
    spec.check()
    from netspec.analysis.tune_lowering import remember, tune
    from netspec.spec.experiment import load_init, prepare

    prepared = load_init(prepare(spec))
    print_once(spec.problems.warnings, prepared.warnings)
    found = tune(prepared, seconds)
    path = remember(prepared.compilation, found)
    record = {"milliseconds": found.milliseconds, "best": LoweringKind().to_source(found.best)}
    saved = None if path is None else str(path)
    print_result({"event": "tune-speed", **record, "kept": saved} if as_json else _text(found, line_width()))
    if path is None and not as_json:
        click.echo("cannot write to the cache folder; to keep the result, add it to train { … }")
    return 0


def _text(found: Tuning, width: int) -> str:
    rows = [("lowering", "ms per step", "relative to fast", "")]
    for lowering, seconds in found.seconds.items():
        mark = "best" if lowering == found.best else ""
        rows.append((_name(lowering), f"{seconds * 1000:.2f}", f"{seconds / found.seconds[FAST]:.2f}", mark))
    widths = fit_columns(rows, width)
    lines = [line for row in rows for line in wrap_row(row, widths, (False, True, True, False))]
    return wrap_lines("\n".join([*lines, f"lowering = {LoweringKind().to_source(found.best)}"]), width)


def _name(lowering: tuple[str, ...]) -> str:
    left_out = [family for family in FAST if family not in lowering]
    return f"fast without {', '.join(left_out)}" if lowering and left_out else LoweringKind().to_source(lowering)
