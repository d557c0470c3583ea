"""`netspec draw`"""

from __future__ import annotations

from pathlib import Path

import click

from netspec.cli.files import write_bytes
from netspec.cli.options import SpecOptions, json_option, spec_options
from netspec.cli.output import print_problems, print_result
from netspec.display.drawing.draw import ALL_LEVELS, FORMATS, STYLES, draw, draw_pair, network_blocks
from netspec.display.text import line_width
from netspec.language.files.paths import is_folder
from netspec.language.text import wrap_lines
from netspec.runs.diff import differences
from netspec.spec.canonical import meaning_of
from netspec.spec.compilation import Compilation
from netspec.storage.run_files import path_of_run

PICTURES = ("svg", "png", "pdf")
ENDINGS = ", ".join(f".{form}" for form in FORMATS)


@click.command()
@click.argument("file")
@click.argument("other", required=False)
@click.option("-o", "--output", metavar="PICTURE", help=f"The file to write: {ENDINGS} (default: NAME.svg).")
@click.option(
    "--style",
    type=click.Choice(STYLES),
    default="flow",
    help="`flow`: layers from above; `maps`: feature maps, as in the LeNet-5 and AlexNet papers; `blocks`: as papers "
    "draw U-Net and the Transformer; networks of other forms are drawn as `flow`.",
)
@click.option("--expand", type=int, metavar="LEVELS", help="How many levels of blocks are open (default: what fits).")
@click.option("--expand-all", is_flag=True, help="Open all blocks.")
@spec_options
@json_option
def command(
    file: str,
    other: str | None,
    output: str | None,
    style: str,
    expand: int | None,
    expand_all: bool,
    given: SpecOptions,
    as_json: bool,
) -> int:
    """Draw the network of a spec FILE, or two side by side with what differs.

    FILE and OTHER may also be run folders. The bar below a number of parameters is their fraction of all, below 2% a
    stub; `12 × 1,000 params` are those of 12 copies. `shared` are weights that are drawn before. In a .html file,
    blocks open and close; .mmd is a Mermaid flowchart, .dot a Graphviz graph. The styles `maps` and `blocks`, and two
    networks, are drawn as .svg, .png or .pdf only.

    \b
    Example:
        netspec draw specs/resnet18.net -o resnet18.html
        netspec draw specs/lenet5.net --style maps -o lenet5.svg
        netspec draw specs/unet.net --style blocks -o unet.pdf
        netspec draw old.net new.net -o changes.svg
    """
    if other is not None and style != "flow":
        raise click.ClickException(f"--style {style} draws one network\nomit --style to see what differs between two")
    spec = _compilation(file, given)
    path = Path(output if output is not None else f"{spec.name}.svg")
    form = path.suffix[1:].lower()
    allowed = FORMATS if other is None and style == "flow" else PICTURES
    if form not in allowed:
        what = "-o" if allowed is FORMATS else "-o of two networks" if other is not None else f"-o with --style {style}"
        endings = ", ".join(f".{name}" for name in allowed)
        hint = f"write `-o {path.with_suffix('.svg')}`" if form in FORMATS else ""
        raise click.ClickException(f"{what} takes a name that ends in {endings}, not `{path}`\n{hint}".rstrip())
    levels = ALL_LEVELS if expand_all else expand
    if levels is not None and levels < 0:
        raise click.UsageError("--expand takes 0 or more levels")
    print_problems(() if as_json else spec.problems.warnings)
    if other is None and style == "blocks" and network_blocks(spec.network, levels) is None:
        text = f"{spec.name} is drawn as a flow: it is neither a U nor an encoder beside a decoder"
        click.echo(wrap_lines(text, line_width()), err=True)
    if other is None:
        content = draw(spec.network, form, style, levels)
        text = f"{path}: {spec.name}"
    else:
        after = _compilation(other, given)
        content = draw_pair(spec.network, after.network, differences(meaning_of(spec), meaning_of(after)), form)
        text = f"{path}: {spec.name} and {after.name}"
    write_bytes(path, content)
    print_result({"picture": str(path)} if as_json else wrap_lines(text, line_width()))
    return 0


def _compilation(file: str, given: SpecOptions) -> Compilation:
    is_run = is_folder(path := path_of_run(file))
    if is_run and not given.is_empty:
        raise click.UsageError(f"{file} is a run, which is drawn as it was trained: omit -D, --input and --data")
    spec = _of_run(path) if is_run else given.compilation(file)
    spec.check()
    return spec


def _of_run(path: Path) -> Compilation:
    from netspec.spec.saved import read_compilation  # imports JAX, which no spec needs to be drawn

    return read_compilation(path)
