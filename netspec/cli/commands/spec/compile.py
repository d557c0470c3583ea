"""`netspec compile`"""

from __future__ import annotations

from pathlib import Path

import click

from netspec.cli.files import write_bytes, write_text
from netspec.cli.options import SpecOptions, json_option, spec_options
from netspec.cli.output import print_json, print_problems
from netspec.compiler.backend.emit import emit_source
from netspec.spec.compilation import Compilation
from netspec.storage.run_files import path_of_run


@click.command()
@click.argument("file")
@click.option("-o", "--output", metavar="MODEL.PY", help="The file to write; by default the source is printed.")
@click.option("--standalone", is_flag=True, help="Source that depends on Flax only, not on netspec.")
@click.option("--inference", is_flag=True, help="The network in inference mode: no dropout, batch norms merged.")
@click.option(
    "--run",
    "run_folder",
    metavar="RUN",
    help="With --inference and -o: also write the weights of a run, batch norms merged, to MODEL.safetensors.",
)
@spec_options
@json_option
def command(
    file: str,
    output: str | None,
    standalone: bool,
    inference: bool,
    run_folder: str | None,
    given: SpecOptions,
    as_json: bool,
) -> int:
    """Write the network of a spec FILE as readable Flax NNX source.

    The network is the last class, named after the file: `MnistCnn(rngs=nnx.Rngs(0))` builds it.

    \b
    Example:
        netspec compile specs/mnist_cnn.net -o model.py
        netspec compile specs/mnist_cnn.net -o model.py --standalone
        netspec compile specs/mnist_cnn.net -o model.py --inference --run runs/mnist_cnn-1
    """
    if run_folder is not None and (output is None or not inference):
        raise click.UsageError("--run requires --inference and -o")
    if output is not None and Path(output).suffix not in ("", ".py"):
        raise click.UsageError(
            f"-o takes a name that ends in .py, not `{output}`: it is the source of the network\n"
            "`netspec train` writes trained weights to its run folder, as weights.safetensors"
        )
    spec = given.compilation(file)
    if inference:
        source = spec.inference_python(standalone=standalone)
    else:
        source = emit_source(spec.optimized, standalone=standalone)
    if not as_json:
        print_problems(spec.problems.warnings)
    weights = _write(Path(output), source, spec, run_folder) if output is not None else None
    if as_json:
        print_json({"file": output, "weights": weights, "source": source})
    elif output is None:
        click.echo(source, nl=False)
    else:
        click.echo(f"wrote {output}" + (f" and {weights}" if weights is not None else ""))
    return 0


def _write(path: Path, source: str, spec: Compilation, run_folder: str | None) -> str | None:
    """Write the source, and the weights if there are any; the name of their file."""
    if run_folder is None:
        write_text(path, source)
        return None
    from netspec.spec.saved import inference_weights

    weights = inference_weights(spec, path_of_run(run_folder))
    beside = path.with_suffix(".safetensors")
    write_text(path, source)
    write_bytes(beside, weights)
    return str(beside)
