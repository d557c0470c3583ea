"""`netspec lr`"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.commands.training.train import choose_device, device_option
from netspec.cli.files import write_bytes
from netspec.cli.options import compilation, json_option, spec_options
from netspec.cli.output import print_json, print_once
from netspec.cli.render.line_plot import curve_text
from netspec.language.lazy import lazy

if TYPE_CHECKING:
    from netspec.analysis.lr_range_test import RateTest
    from netspec.spec.experiment import SpecExperiment

mpl_figure = lazy("matplotlib.figure")


@click.command()
@click.argument("file")
@click.option("--low", type=click.FloatRange(0, min_open=True), default=1e-7, show_default=True, help="The first rate.")
@click.option("--high", type=click.FloatRange(0, min_open=True), default=10.0, show_default=True, help="The last rate.")
@click.option("--steps", type=click.IntRange(10), default=100, show_default=True, help="The number of training steps.")
@click.option("-o", "--output", metavar="FILE", help="Also write the curve as a picture: .png, .svg or .pdf.")
@device_option
@spec_options
@json_option
def command(
    file: str,
    low: float,
    high: float,
    steps: int,
    output: str | None,
    device: str | None,
    defines: tuple[str, ...],
    input_shape: str | None,
    data: str | None,
    as_json: bool,
) -> int:
    """Find a learning rate for the network of a spec FILE: train a few steps at a rising rate and record the loss.

    The test ends when the loss diverges. No run folder is created. (Smith 2015, arXiv:1506.01186)

    \b
    Example:
        netspec lr specs/digits.net
        netspec lr net.net --steps 200 -o lr.png
    """
    if low >= high:
        raise click.UsageError(f"--low {low:g} is not below --high {high:g}")
    if output is not None and Path(output).suffix not in (".png", ".svg", ".pdf"):
        raise click.UsageError(f"-o takes a name that ends in .png, .svg or .pdf, not `{output}`")
    choose_device(device)
    spec = compilation(file, defines, input_shape, data)
    spec.check()
    from netspec.analysis.lr_range_test import find_rate
    from netspec.spec.experiment import load_init, prepare

    prepared = load_init(prepare(spec))
    print_once(spec.problems.warnings, prepared.warnings)
    found = find_rate(prepared, low=low, high=high, steps=steps)
    if output is not None:
        write_bytes(Path(output), _picture(found, prepared.compilation.name, Path(output).suffix[1:]))
    line = f"optimizer = {_chain_with(prepared, found.suggested)}"
    if as_json:
        print_json(_record(found, line))
    else:
        click.echo(_text(found, line, output))
    return 0


def _chain_with(prepared: SpecExperiment, rate: float) -> str:
    """The optimizer of the spec, with this rate."""
    words, rated = prepared.recipe.optimizer, dict[str, Any](rate=rate)
    changed = [w.replace(**rated) if w.has_rate and hasattr(w, "rate") else w for w in words]
    return " -> ".join(word.to_source() for word in changed)


def _record(found: RateTest, line: str) -> dict[str, object]:
    return {
        "event": "lr",
        "suggested": found.suggested,
        "steepest": found.steepest,
        "tenth_of_minimum": found.tenth,
        "exploded": found.exploded,
        "line": line,
        "rates": found.rates,
        "losses": found.losses,
        "smoothed": found.smoothed,
    }


def _text(found: RateTest, line: str, output: str | None) -> str:
    end = f"stopped at {found.rates[-1]:.2g}, where the loss explodes" if found.exploded else "the loss never explodes"
    count = len(found.rates)
    top = _top(found)
    ends = _shown(found, top)
    lines = [
        f"loss while the learning rate rises ({count} steps; {end})",
        "",
        curve_text(
            found.rates[:ends],
            [min(loss, top) for loss in found.smoothed[:ends]],
            {"▲": found.steepest, "△": found.tenth},
        ),
        "",
        f"▲ {found.steepest:<8.2g} the loss falls fastest here",
        f"△ {found.tenth:<8.2g} a tenth of the rate with the least loss",
        "",
        "to put into the spec, the smaller of the two:",
        f"    train {{ {line} }}",
    ]
    return "\n".join([*lines, f"written {output}"] if output else lines)


def _top(found: RateTest) -> float:
    """The greatest loss that is drawn: a little above the first one, so that the fall can be seen."""
    return found.smoothed[0] + 0.25 * (found.smoothed[0] - min(found.smoothed))


def _shown(found: RateTest, top: float) -> int:
    """How many steps are drawn: up to the first one behind the least loss that is above `top`."""
    least = found.smoothed.index(min(found.smoothed))
    return next((i + 1 for i in range(least, len(found.smoothed)) if found.smoothed[i] > top), len(found.smoothed))


def _picture(found: RateTest, name: str, form: str) -> bytes:
    figure = mpl_figure.Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.add_subplot()
    axes.plot(found.rates, found.losses, color="#9db4d0", linewidth=1, label="loss of the batch")
    axes.plot(found.rates, found.smoothed, color="#1f4e8c", linewidth=2.2, label="smoothed")
    for rate, colour, text in (
        (found.steepest, "#c8553d", f"falls fastest: {found.steepest:.2g}"),
        (found.tenth, "#3a7d44", f"a tenth of the least: {found.tenth:.2g}"),
    ):
        axes.axvline(rate, color=colour, linewidth=1.4, linestyle="--", label=text)
    low, high = min(found.smoothed), found.smoothed[0]
    axes.set_ylim(low - 0.15 * (high - low), high + 0.6 * (high - low))
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss", title=f"{name}: learning-rate range test")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower left")
    content = BytesIO()
    figure.savefig(content, format=form, dpi=150)
    return content.getvalue()
