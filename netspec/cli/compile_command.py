"""`netspec compile`"""

from __future__ import annotations

from pathlib import Path

import click

from netspec.backend.emit import emit_source
from netspec.cli.files import write_text
from netspec.cli.options import compilation, json_option, spec_options
from netspec.cli.output import print_json, print_problems


@click.command()
@click.argument("file")
@click.option("-o", "--output", metavar="MODEL.PY", help="The file to write; without it the source is printed.")
@click.option("--standalone", is_flag=True, help="Source that needs Flax only, not netspec.")
@spec_options
@json_option
def command(
    file: str,
    output: str | None,
    standalone: bool,
    defines: tuple[str, ...],
    input_shape: str | None,
    data: str | None,
    as_json: bool,
) -> int:
    """Write the network of a spec FILE as readable Flax NNX source.

    The network is the last class, named after the file: `MnistCnn(rngs=nnx.Rngs(0))` builds it.

    \b
    Example:
        netspec compile specs/mnist_cnn.net -o model.py
        netspec compile specs/mnist_cnn.net -o model.py --standalone
    """
    spec = compilation(file, defines, input_shape, data)
    source = emit_source(spec.optimised, standalone=standalone)
    if not as_json:
        print_problems(spec.problems.warnings)
    if output is not None:
        write_text(Path(output), source)
    if as_json:
        print_json({"file": output, "source": source})
    elif output is None:
        click.echo(source, nl=False)
    else:
        click.echo(f"wrote {output}")
    return 0
