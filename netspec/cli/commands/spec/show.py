"""`netspec show`"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from netspec.cli.options import SpecOptions, json_option, spec_options
from netspec.cli.output import print_problems, print_result
from netspec.cli.render.scale import Scale
from netspec.compiler.ir.cost import rows
from netspec.compiler.ir.layer_table import LayerTable
from netspec.compiler.ir.printer import full_text, graph_json, graph_text
from netspec.compiler.ir.repeats import find_repeats
from netspec.compiler.syntax import tree
from netspec.display.text import line_width, wants_color
from netspec.language.files.paths import is_folder
from netspec.language.text import wrap_lines
from netspec.language.word import Kind, Word
from netspec.spec.compilation import Compilation
from netspec.storage.run_files import path_of_run

ALL_LEVELS = 1000
MAX_NUMBERS = 8
"""How many means and deviations a line lists."""


@click.command(context_settings={"token_normalize_func": lambda token: token.replace("ised", "ized")})
@click.argument("file")
@click.option(
    "--stage",
    type=click.Choice(["tree", "graph", "optimized", "python", "inference", "plan"]),
    help="Show a compiler stage instead of the table; `inference` is the network in inference mode, `plan` how it is "
    "computed on this machine, and why.",
)
@click.option("--expand", type=click.IntRange(0), metavar="LEVELS", help="How many levels of blocks are open.")
@click.option("--expand-all", is_flag=True, help="Open all blocks.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "csv", "latex"]),
    default="text",
    help="How the table is written.",
)
@click.option("--full", is_flag=True, help="Show every option with its value, including defaults.")
@click.option("--schedule", is_flag=True, help="Plot the learning rate schedule instead of the table.")
@click.option("--memory", is_flag=True, help="Show the memory of a training step instead of the table (compiles it).")
@click.option("--mesh", metavar="MESH", help="With --memory or --stage plan: several devices, as 'data(8) -> fsdp(8)'.")
@click.option("--devices", type=click.IntRange(1), help="With --memory: how many devices; the mesh is recommended.")
@click.option("--device-memory", metavar="SIZE", help="With --devices: the memory of each, as 80GB or h100.")
@click.option("--simulate", is_flag=True, help="With --memory --mesh: compile the step for simulated devices, too.")
@click.option("--weights", is_flag=True, help="Show the weights of a run instead of the table, small arrays in full.")
@spec_options
@json_option
def command(
    file: str,
    stage: str | None,
    expand: int | None,
    expand_all: bool,
    form: str,
    full: bool,
    schedule: bool,
    memory: bool,
    mesh: str | None,
    devices: int | None,
    device_memory: str | None,
    simulate: bool,
    weights: bool,
    given: SpecOptions,
    as_json: bool,
) -> int:
    """Show the network of a spec FILE: each layer with its output shape, parameters, their share, multiply-adds (MACs),
    the memory of its output, and its receptive field (how much of the input a position sees); and the totals.

    FILE may also be a run folder. Blocks are open as far as the table stays short; copies in a row are one line, as
    in `block x 3`, and `+` begins a branch. A narrow terminal shows fewer columns.

    \b
    Example:
        netspec show specs/mnist_cnn.net
        netspec show specs/resnet50.net --expand-all
        netspec show specs/lenet5.net --format latex
        netspec show specs/mnist_cnn.net --stage python
        netspec show net.net --full -D width=64
        netspec show specs/mnist_cnn.net --stage plan
        netspec show specs/mnist_cnn.net --schedule
        netspec show specs/mnist_cnn.net --memory -D train.batch=512
        netspec show specs/llama_7b.net --memory --mesh 'fsdp(8)'
        netspec show specs/llama_7b.net --memory --devices 64 --device-memory 80GB
        netspec show runs/mnist_cnn-1 --weights
    """
    is_run = is_folder(path := path_of_run(file))
    scale = Scale(mesh, devices, device_memory, simulate)
    scale.check_usage(is_memory=memory, is_plan=stage == "plan")
    given = given if is_run else scale.added_to(given)
    spec = _spec_of_run(file, given) if is_run else given.compilation(file)
    if weights and not is_run:
        raise click.UsageError(f"--weights needs a run folder, such as runs/{spec.name}-1, not a spec")
    if stage == "tree":
        click.echo(wrap_lines("\n".join(_tree_lines(spec.tree, 0)), line_width()))
        print_problems(spec.problems)
        return 1 if spec.problems.errors else 0
    spec.check()
    print_problems(() if as_json or weights else spec.problems.warnings)
    if weights:
        print_result(_weights(path, spec, as_json))
    elif schedule:
        print_result(_schedule(spec, as_json))
    elif (memory or stage == "plan") and scale.applies_to(spec):
        print_result(scale.report(spec, is_plan=not memory, as_json=as_json))
    elif memory:
        from netspec.analysis.step_memory import footprint_of

        footprint = footprint_of(spec)
        print_result(footprint.as_json() if as_json else wrap_lines(footprint.text(), line_width()))
    elif as_json:
        print_result(graph_json(spec.network, spec.train.freeze) | (_thresholds_json(path) if is_run else {}))
    else:
        table = _table(spec, ALL_LEVELS if expand_all else expand, form) if stage is None else ""
        text = _stage(spec, stage) if stage is not None else _with_settings(table, spec) if full else table
        click.echo(text if stage == "python" or form != "text" else wrap_lines(text, line_width()))
        if is_run and full and stage is None:
            click.echo(wrap_lines(_scales_text(path), line_width()))
    return 0


def _spec_of_run(run: str, given: SpecOptions) -> Compilation:
    from netspec.spec.saved import read_compilation

    if not given.is_empty:
        raise click.UsageError(f"{run} is a run, which is shown as it was trained: omit -D, --input and --data")
    return read_compilation(path_of_run(run))


def _schedule(spec: Compilation, as_json: bool) -> str | dict[str, Any]:
    from netspec.cli.render.schedule import schedule_curve, schedule_json, schedule_text

    curve = schedule_curve(spec)
    return schedule_json(curve) if as_json else schedule_text(curve)


def _weights(run: Path, spec: Compilation, as_json: bool) -> str | dict[str, Any]:
    from netspec.cli.render.weights import ordered, weights_json, weights_text
    from netspec.storage.weights import load_weights

    arrays = ordered(load_weights(run), ["/".join(row.path) for row in rows(spec.network)])
    return {"weights": weights_json(arrays)} if as_json else weights_text(arrays)


def _table(spec: Compilation, levels: int | None, form: str) -> str:
    """The table of layers in a format."""
    table = LayerTable(spec.network, spec.train.freeze, levels)
    if form == "text":
        return table.text(line_width(), color=wants_color(sys.stdout))
    return {"markdown": table.markdown, "csv": table.csv, "latex": table.latex}[form]()


def _with_settings(table: str, spec: Compilation) -> str:
    """The table with every option of every layer and section."""
    sections = (_section_text(name, spec.settings(name)) for name in ("data", "train"))
    return "\n\n".join([table, full_text(spec.network), *sections])


def _stage(spec: Compilation, stage: str) -> str:
    """A compiler stage as text."""
    if stage == "python":
        return spec.python.rstrip()
    if stage == "plan":
        from netspec.analysis.lowering_plan import plan_of

        return plan_of(spec).text()
    if stage == "graph":
        return graph_text(spec.network)
    graph = spec.inference if stage == "inference" else spec.optimized
    return graph_text(graph, find_repeats(graph))


def _scales_text(run: Path) -> str:
    """The statistics that the inputs and the targets of a run are normalized with."""
    from netspec.spec.saved import read_preprocessing

    preprocessing = read_preprocessing(run)
    scales = {**preprocessing.normalization, **{f"target {name}": s for name, s in preprocessing.outputs.items()}}
    lines = [
        f"    {name}: mean {_numbers_text(scale.mean)}, std {_numbers_text(scale.std)}"
        for name, scale in scales.items()
    ]
    found = ["\nnormalized with {", *(lines or ["    nothing"]), "}"]
    if preprocessing.thresholds:
        decided = [f"    {name} = {value:.7g}" for name, value in preprocessing.thresholds.items()]
        found += ["\nyes above the threshold {", *decided, "}"]
    return "\n".join(found)


def _thresholds_json(run: Path) -> dict[str, Any]:
    """The thresholds of a run that has others than 0.5."""
    from netspec.spec.saved import read_preprocessing

    thresholds = read_preprocessing(run).thresholds
    return {"thresholds": dict(thresholds)} if thresholds else {}


def _numbers_text(numbers: Sequence[float]) -> str:
    shown = ", ".join(f"{number:.7g}" for number in numbers[:MAX_NUMBERS])
    return f"[{shown}{', …' if len(numbers) > MAX_NUMBERS else ''}]"


def _section_text(name: str, settings: Word) -> str:
    options = settings.options()
    width = max(len(o.name) for o in options)
    lines = [f"    {o.name:<{width}} = {_in_full(o.kind, getattr(settings, o.name))}" for o in options]
    return "\n".join([f"{name} {{", *lines, "}"])


def _in_full(kind: Kind, value: object) -> str:
    """A setting with the defaults of its words: `adam(0.001, b1 = 0.9, …)`."""
    words = value if isinstance(value, tuple) else (value,)
    if words and all(isinstance(word, Word) for word in words):
        return " -> ".join(word.to_source(full=True) for word in words if isinstance(word, Word))
    return kind.to_source(value)


def _tree_lines(node: tree.Node, depth: int) -> list[str]:
    shown = []
    for name in node.__struct_fields__:
        value: Any = getattr(node, name)
        if isinstance(value, str | int | float | bool) and name != "value":
            shown.append(f"{name}={value!r}")
        elif isinstance(node, tree.String | tree.Boolean) and name == "value":
            shown.append(repr(value))
    start = node.span.first
    lines = [f"{'  ' * depth}{type(node).__name__} {' '.join(shown)}".rstrip() + f"  @{start.line}:{start.column}"]
    for child in node.children():
        lines += _tree_lines(child, depth + 1)
    return lines
