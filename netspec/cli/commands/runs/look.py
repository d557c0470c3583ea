"""`netspec look`"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from netspec.cli.files import write_bytes
from netspec.cli.options import device_option, json_option
from netspec.cli.output import print_result
from netspec.cli.render.picture import vector_format
from netspec.display.pictures import Picture
from netspec.display.text import line_width
from netspec.language.corrections import suggest
from netspec.language.diagnostics import CompileError
from netspec.language.kinds import MAX_SEED
from netspec.language.text import wrap_lines

if TYPE_CHECKING:
    from netspec.analysis.inside.look import Look


@dataclass(frozen=True)
class Kind:
    """A kind of picture.

    Args:
        help: what it shows, in one line.
        draw: makes it, from what is inside, the names of layers and the options of the command that were given.
        takes: the names of the options that it takes.
        layers: how many layers may be named; None: any number.
    """

    help: str
    draw: Callable[[Look, tuple[str, ...], Mapping[str, Any]], Picture]
    takes: tuple[str, ...] = ()
    layers: int | None = 1


SEEN = ("input", "example")
"""The options of pictures of what happens to an input."""
EXPLAINED = (*SEEN, "class")
"""The options of pictures that explain a prediction."""


def _named(given: Mapping[str, Any]) -> dict[str, Any]:
    """Options under the names that they have in Python."""
    return {{"input": "x", "class": "class_name"}.get(name, name): value for name, value in given.items()}


def _seen(inside: Look, given: Mapping[str, Any]) -> Any:
    """What is looked at; None for a part of the test split."""
    return inside.inputs(None, given["example"]) if "example" in given else given.get("input")


KINDS = {
    "filters": Kind("the filters of a convolution, as images", lambda inside, layers, _: inside.filters(*layers)),
    "maps": Kind(
        "what each layer makes of an input",
        lambda inside, layers, given: inside.maps(**_named(given), layers=list(layers) or None),
        takes=SEEN,
        layers=None,
    ),
    "weights": Kind("the weights of a dense layer, as images", lambda inside, layers, _: inside.weights(*layers)),
    "attention": Kind(
        "which steps of a sequence each head looks at",
        lambda inside, layers, given: inside.attention(**_named(given), layer=layers[0] if layers else None),
        takes=SEEN,
    ),
    "embedding": Kind(
        "what a layer gives for examples, in two dimensions",
        lambda inside, layers, given: inside.embedding(*layers, **given),
        takes=("method", "split"),
    ),
    "curve": Kind("the output of a network against its only input", lambda inside, *_: inside.curve(), layers=0),
    "reconstructions": Kind(
        "what an autoencoder makes of examples",
        lambda inside, _, given: inside.reconstructions(**given),
        takes=("split",),
        layers=0,
    ),
    "regions": Kind(
        "what a network with two inputs predicts over the plane",
        lambda inside, _, given: inside.film() if "film" in given else inside.regions(),
        takes=("film",),
        layers=0,
    ),
    "activations": Kind(
        "how active layers are, and which units are dead",
        lambda inside, layers, given: inside.activations(_seen(inside, given), list(layers) or None),
        takes=SEEN,
        layers=None,
    ),
    "saliency": Kind(
        "which numbers of an input change the score of a class",
        lambda inside, _, given: inside.saliency(**_named(given)),
        takes=EXPLAINED,
        layers=0,
    ),
    "integrated-gradients": Kind(
        "what each number of an input adds to the score",
        lambda inside, _, given: inside.integrated_gradients(**_named(given)),
        takes=EXPLAINED,
        layers=0,
    ),
    "grad-cam": Kind(
        "where a convolution finds what speaks for a class",
        lambda inside, layers, given: inside.grad_cam(**_named(given), layer=layers[0] if layers else None),
        takes=EXPLAINED,
    ),
    "occlusion": Kind(
        "how the probability drops where a patch hides a part",
        lambda inside, _, given: inside.occlusion(**_named(given)),
        takes=(*EXPLAINED, "size", "step"),
        layers=0,
    ),
    "maximize": Kind(
        "inputs that excite the units of a layer most",
        lambda inside, layers, given: inside.maximize(*layers, **given),
        takes=("units", "steps", "seed"),
    ),
}
"""The kinds of pictures, in the order in which the help lists them."""
MAX_SEEN = 40
"""Characters of an input in the name of a file."""
HELP = """Show what is inside the trained network of a RUN folder.

WHAT is one of:

\b
{kinds}

LAYER is a name as in `netspec show`; without it the first one that fits is shown, or all maps.

\b
Example:
    netspec look runs/mnist_cnn-1 filters -o filters.png
    netspec look runs/mnist_cnn-1 maps --example 3
    netspec look runs/mnist_cnn-1 maps conv --input digit.png
    netspec look runs/mlp-1 weights dense
    netspec look runs/moons-1 regions
    netspec look runs/moons-1 regions --film -o film.html
    netspec look runs/char_transformer-1 attention --input "To be"
    netspec look runs/mnist_cnn-1 embedding --method tsne
    netspec look runs/mnist_cnn-1 grad-cam --example 3 --class 8
"""


def _takers(option: str) -> str:
    """The kinds that take an option, for its help and for messages."""
    return ", ".join(name for name, kind in KINDS.items() if option in kind.takes)


def _known_kind(ctx: click.Context, param: click.Parameter, what: str) -> str:
    """Raises click.UsageError, with the kinds that may be meant, for one that does not exist."""
    if what not in KINDS:
        raise click.UsageError(f"nothing to look at is called `{what}`\n{suggest(what, KINDS, what='there are')}", ctx)
    return what


@click.command(help=HELP.format(kinds="\n".join(f"  {name:<22}{kind.help}" for name, kind in KINDS.items())))
@click.argument("run")
@click.argument("what", callback=_known_kind, metavar="WHAT")
@click.argument("layers", nargs=-1, metavar="[LAYER]")
@click.option("--input", metavar="FILE", help=f"The image, .npy file, row or text to look at ({_takers('input')}).")
@click.option(
    "--method", type=click.Choice(["pca", "tsne"]), help=f"How points of a plane are found ({_takers('method')})."
)
@click.option("--split", type=click.Choice(["train", "val", "test"]), help=f"The examples ({_takers('split')}).")
@click.option(
    "--film", is_flag=True, default=None, help=f"Over the epochs; trains again; also .html ({_takers('film')})."
)
@click.option(
    "--example",
    type=click.IntRange(0),
    metavar="N",
    help=f"An example of the test split, from 0: the one to look at without --input ({_takers('example')}).",
)
@click.option("--class", "class", metavar="NAME", help=f"The class (default: the predicted one; {_takers('class')}).")
@click.option("--size", type=click.IntRange(1), help=f"The side of the patch, in pixels ({_takers('size')}).")
@click.option("--step", type=click.IntRange(1), help=f"How far the patch moves, in pixels ({_takers('step')}).")
@click.option("--units", type=click.IntRange(1), help=f"How many units (default 16; {_takers('units')}).")
@click.option("--steps", type=click.IntRange(1), help=f"Steps of the ascent (default 128; {_takers('steps')}).")
@click.option("--seed", type=click.IntRange(0, MAX_SEED), help=f"Of the first images ({_takers('seed')}).")
@click.option(
    "-o", "--output", metavar="PICTURE", help="The file: .svg, .png, .pdf or .html (default: RUN-WHAT-N.svg)."
)
@device_option
@json_option
def command(
    run: str, what: str, layers: tuple[str, ...], output: str | None, as_json: bool, **options: str | int | bool | None
) -> int:
    """Each option is named as in the table; those that are not given are None."""
    path = Path(output if output is not None else f"{_stem(run, what, options)}.svg")
    form = vector_format(path)
    given = {name: value for name, value in options.items() if value is not None}
    _check(what, layers, given)
    from netspec.analysis.inside.look import look

    inside = look(run)
    try:
        picture = KINDS[what].draw(inside, layers, given)
    except CompileError:
        raise
    except ValueError as error:
        raise click.ClickException(str(error)) from None
    write_bytes(path, picture.content(form))
    print_result({"picture": str(path)} if as_json else wrap_lines(f"{path}: {what} of {run}", line_width()))
    return 0


def _stem(run: str, what: str, options: Mapping[str, Any]) -> str:
    """`mnist_cnn-1-saliency-947`: a name of a file, with what is looked at, so that another picture has another one."""
    example, given = options.get("example"), options.get("input")
    seen = str(example) if example is not None else Path(given).stem if given is not None else ""
    seen = re.sub(r"[^\w.,-]+", "-", seen)[:MAX_SEEN].strip("-.")
    return "-".join([Path(run).name, what, *([seen] if seen else [])])


def _check(what: str, layers: tuple[str, ...], given: Mapping[str, Any]) -> None:
    """Raises click.UsageError for layers or options that this kind of picture does not have, or lacks."""
    kind = KINDS[what]
    for name in given:
        if name not in kind.takes:
            raise click.UsageError(f"--{name} is for {_takers(name)}")
    if "input" in given and "example" in given:
        raise click.UsageError("give --input or --example, not both")
    if kind.layers is not None and len(layers) > kind.layers:
        raise click.UsageError(f"give one layer for `{what}`" if kind.layers else f"`{what}` takes no layer")
