"""`netspec look`"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

import click

from netspec.cli.files import write_bytes
from netspec.cli.options import device_option, json_option
from netspec.cli.output import print_result
from netspec.cli.render.picture import vector_format
from netspec.language.text import wrap_lines
from netspec.report.pictures import Picture
from netspec.report.text import line_width

if TYPE_CHECKING:
    from netspec.analysis.inside.look import Look

What = Literal["filters", "maps", "weights", "regions"]


@click.command()
@click.argument("run")
@click.argument("what", type=click.Choice(get_args(What)))
@click.argument("layers", nargs=-1, metavar="[LAYER]")
@click.option("--input", "given", metavar="FILE", help="For maps: the image, .npy file or row to look at.")
@click.option("-o", "--output", metavar="PICTURE", help="The file: .svg, .png or .pdf (default: RUN-WHAT.svg).")
@device_option
@json_option
def command(run: str, what: What, layers: tuple[str, ...], given: str | None, output: str | None, as_json: bool) -> int:
    """Show what is inside the trained network of a RUN folder.

    filters: those of a convolution, as images. maps: what each layer makes of an input. weights: those of the units of
    a dense layer, as images. regions: what a network with two inputs predicts over the plane.

    LAYER is a name as in `netspec show`; without it the first one that fits is shown, or all maps.

    \b
    Example:
        netspec look runs/mnist_cnn-1 filters -o filters.png
        netspec look runs/mnist_cnn-1 maps --input digit.png
        netspec look runs/mlp-1 weights dense
        netspec look runs/moons-1 regions
    """
    path = Path(output if output is not None else f"{Path(run).name}-{what}.svg")
    form = vector_format(path)
    if (what == "maps") != (given is not None):
        raise click.UsageError("--input is for maps" if given is not None else "maps need an input: --input digit.png")
    if (len(layers) > 1 and what != "maps") or (layers and what == "regions"):
        raise click.UsageError("regions have no layer" if what == "regions" else f"give one layer for {what}")
    from netspec.analysis.inside.look import look

    write_bytes(path, _picture(look(run), what, layers, given).content(form))
    print_result({"picture": str(path)} if as_json else wrap_lines(f"{path}: {what} of {run}", line_width()))
    return 0


def _picture(inside: Look, what: What, layers: tuple[str, ...], given: str | None) -> Picture:
    first = layers[0] if layers else None
    makers: dict[What, Callable[[], Picture]] = {
        "filters": lambda: inside.filters(first),
        "maps": lambda: inside.maps(given, list(layers) or None),
        "weights": lambda: inside.weights(first),
        "regions": inside.regions,
    }
    try:
        return makers[what]()
    except ValueError as error:
        raise click.UsageError(str(error)) from None
