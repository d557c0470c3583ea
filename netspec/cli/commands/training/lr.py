"""`netspec lr`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.files import write_bytes
from netspec.cli.options import SpecOptions, device_option, json_option, spec_options
from netspec.cli.output import print_once, print_result
from netspec.cli.render.line_plot import curve_text
from netspec.cli.render.picture import new_picture, picture_bytes, picture_format
from netspec.display.text import line_width
from netspec.language.text import wrap_lines

if TYPE_CHECKING:
    from netspec.analysis.lr_range_test import RateTest
    from netspec.spec.compilation import Compilation
    from netspec.spec.experiment import SpecExperiment


@click.command()
@click.argument("file")
@click.option(
    "--low", type=click.FloatRange(0, min_open=True), default=1e-7, show_default=True, help="The lowest learning rate."
)
@click.option(
    "--high",
    type=click.FloatRange(0, min_open=True),
    default=10.0,
    show_default=True,
    help="The highest learning rate.",
)
@click.option("--steps", type=click.IntRange(10, 10**6), default=100, show_default=True, help="The number of steps.")
@click.option("-o", "--output", metavar="FILE", help="Also save the plot: .png, .svg or .pdf.")
@device_option
@spec_options
@json_option
def command(
    file: str, low: float, high: float, steps: int, output: str | None, given: SpecOptions, as_json: bool
) -> int:
    """Find a learning rate for the network of a spec FILE: train a few steps at an increasing learning rate.

    The test ends when the loss diverges. No run folder is created. (Smith 2015, arXiv:1506.01186)

    \b
    Example:
        netspec lr specs/digits.net
        netspec lr net.net --steps 200 -o lr.png
    """
    if low >= high:
        raise click.UsageError(f"--low {low:g} must be less than --high {high:g}")
    form = picture_format(Path(output)) if output is not None else ""
    spec = given.compilation(file)
    spec.check()
    from netspec.analysis.lr_range_test import find_rate
    from netspec.spec.experiment import load_init, prepare

    prepared = load_init(prepare(spec))
    print_once(spec.problems.warnings, prepared.warnings)
    test = find_rate(prepared, low=low, high=high, steps=steps)
    if output is not None:
        write_bytes(Path(output), _picture(test, prepared.compilation.name, form))
    line = f"optimizer = {_chain_with(prepared, test.suggested)}"
    text = wrap_lines(_text(test, _suggested(prepared.compilation, line), output), line_width())
    print_result(_record(test, line) if as_json else text)
    return 0


def _chain_with(prepared: SpecExperiment, rate: float) -> str:
    """The optimizer of the spec, with this rate."""
    words, rated = prepared.recipe.optimizer, dict[str, Any](rate=rate)
    changed = [w.replace(**rated) if w.has_rate and hasattr(w, "rate") else w for w in words]
    return " -> ".join(word.to_source() for word in changed)


def _suggested(spec: Compilation, line: str) -> list[str]:
    """The line to write, and where."""
    block, name = spec.resolution.settings.get("train"), "suggested setting (the smaller of the two)"
    if block is None or block.section.name.span.source is not spec.source:
        return [f"{name}:", f"    train {{ {line} }}"]
    value = block.values.get("optimizer")
    is_there = value is not None and value.span.source is spec.source
    at = value.span.first.line if value is not None and is_there else block.section.name.span.first.line
    return [f"{name}, {'in line' if is_there else 'in the section `train`, line'} {at}:", f"    {line}"]


def _record(test: RateTest, line: str) -> dict[str, object]:
    record = {"event": "lr", "suggested": test.suggested, "line": line, **vars(test)}
    record["tenth_of_minimum"] = record.pop("tenth")
    return record


def _text(test: RateTest, suggested: list[str], output: str | None) -> str:
    end = f"stopped at {test.rates[-1]:.2g}, where the loss diverged" if test.exploded else "the loss did not diverge"
    count, marks = len(test.rates), {"▲": test.steepest, "△": test.tenth}
    top, ends = _drawn(test)
    lines = [
        f"loss at increasing learning rates ({count} steps; {end})",
        "",
        curve_text(test.rates[:ends], [min(loss, top) for loss in test.smoothed[:ends]], marks),
        "",
        f"▲ {test.steepest:<8.2g} steepest decrease of the loss",
        f"△ {test.tenth:<8.2g} one tenth of the learning rate with the lowest loss",
        "",
        *suggested,
    ]
    return "\n".join([*lines, f"wrote {output}"] if output else lines)


def _drawn(test: RateTest) -> tuple[float, int]:
    """The largest loss that is drawn, a little above the first one, and the number of steps: up to the first one after
    the minimum whose loss is larger."""
    losses = test.smoothed
    top = losses[0] + 0.25 * (losses[0] - min(losses))
    return top, next((i + 1 for i in range(losses.index(min(losses)), len(losses)) if losses[i] > top), len(losses))


def _picture(test: RateTest, name: str, form: str) -> bytes:
    picture = new_picture(figsize=(7, 4.2), dpi=150, layout="constrained")
    axes = picture.add_subplot()
    axes.plot(test.rates, test.losses, color="#9db4d0", linewidth=1, label="loss of the batch")
    axes.plot(test.rates, test.smoothed, color="#1f4e8c", linewidth=2.2, label="smoothed")
    for rate, color, text in (
        (test.steepest, "#c8553d", f"steepest decrease: {test.steepest:.2g}"),
        (test.tenth, "#3a7d44", f"one tenth of that with the lowest loss: {test.tenth:.2g}"),
    ):
        axes.axvline(rate, color=color, linewidth=1.4, linestyle="--", label=text)
    low, high = min(test.smoothed), test.smoothed[0]
    axes.set_ylim(low - 0.15 * (high - low), high + 0.6 * (high - low))
    axes.set(xscale="log", xlabel="learning rate", ylabel="loss", title=f"{name}: learning rate range test")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(alpha=0.25)
    axes.legend(frameon=False, loc="lower left")
    return picture_bytes(picture, form)
