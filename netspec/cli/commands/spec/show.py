"""`netspec show`"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from netspec.cli.options import compilation, json_option, spec_options
from netspec.cli.output import print_json, print_problems
from netspec.compiler.ir.cost import rows
from netspec.compiler.ir.printer import full_text, graph_json, graph_text, summary_text
from netspec.compiler.ir.repeats import find_repeats
from netspec.compiler.syntax import tree
from netspec.language.word import Kind, Word
from netspec.spec.compilation import Compilation


class _Stage(click.Choice[str]):
    """The stages, and `optimized`, with its British spelling."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        return super().convert("optimized" if value == "optimised" else value, param, ctx)


@click.command()
@click.argument("file")
@click.option(
    "--stage",
    type=_Stage(["tree", "graph", "optimized", "python", "inference", "plan"]),
    help="Show a compiler stage instead of the table; `inference` is the network in inference mode, `plan` how it is "
    "computed on this machine, and why.",
)
@click.option("--full", is_flag=True, help="Show every option with its value, including defaults.")
@click.option("--schedule", is_flag=True, help="Plot the learning-rate schedule instead of the table.")
@click.option("--memory", is_flag=True, help="Show the memory of a training step instead of the table (compiles it).")
@click.option("--weights", is_flag=True, help="Show the weights of a run instead of the table, small ones in full.")
@spec_options
@json_option
def command(
    file: str,
    stage: str | None,
    full: bool,
    schedule: bool,
    memory: bool,
    weights: bool,
    defines: tuple[str, ...],
    input_shape: str | None,
    data: str | None,
    as_json: bool,
) -> int:
    """Show the network of a spec FILE: each layer with its output shape, parameters and multiply-adds, and the totals.

    FILE may also be a run folder.

    \b
    Example:
        netspec show specs/mnist_cnn.net
        netspec show specs/mnist_cnn.net --stage python
        netspec show net.net --full -D width=64
        netspec show specs/mnist_cnn.net --stage plan
        netspec show specs/mnist_cnn.net --schedule
        netspec show specs/mnist_cnn.net --memory -D train.batch=512
        netspec show runs/mnist_cnn-1 --weights
    """
    spec = _spec_of_run(file, defines, input_shape, data) or compilation(file, defines, input_shape, data)
    if weights:
        return _show_weights(file, spec, as_json)
    if stage == "tree":
        click.echo("\n".join(_tree_lines(spec.tree, 0)))
        print_problems(spec.problems)
        return 1 if spec.problems.errors else 0
    spec.check()
    assert spec.graph is not None
    if schedule:
        print_problems(() if as_json else spec.problems.warnings)
        return _show_schedule(spec, as_json)
    if memory:
        print_problems(() if as_json else spec.problems.warnings)
        return _show_memory(spec, as_json)
    if as_json:
        print_json(graph_json(spec.graph))
        return 0
    print_problems(spec.problems.warnings)
    if stage is not None:
        click.echo(_stage(spec, stage))
        return 0
    click.echo(summary_text(spec.graph))
    if full:
        click.echo("\n" + full_text(spec.graph))
        for name in ("data", "train"):
            click.echo("\n" + _section_text(name, spec.settings(name)))
    return 0


def _show_schedule(spec: Compilation, as_json: bool) -> int:
    from netspec.cli.render.schedule import schedule_curve, schedule_json, schedule_text

    curve = schedule_curve(spec)
    if as_json:
        print_json(schedule_json(curve))
    else:
        click.echo(schedule_text(curve))
    return 0


def _show_memory(spec: Compilation, as_json: bool) -> int:
    from netspec.analysis.step_memory import footprint_of

    footprint = footprint_of(spec)
    if as_json:
        print_json(footprint.as_json())
    else:
        click.echo(footprint.text())
    return 0


def _spec_of_run(file: str, defines: tuple[str, ...], input_shape: str | None, data: str | None) -> Compilation | None:
    """The spec of a run folder; None for a file."""
    if not Path(file).is_dir():
        return None
    from netspec.spec.saved import read_compilation

    if defines or input_shape is not None or data is not None:
        raise click.UsageError(f"{file} is a run, which is shown as it was trained: omit -D, --input and --data")
    return read_compilation(Path(file))


def _show_weights(run: str, spec: Compilation, as_json: bool) -> int:
    if not Path(run).is_dir():
        raise click.UsageError(f"--weights needs a run folder, such as runs/{spec.name}-1, not a spec")
    from netspec.cli.render.weights import ordered, weights_json, weights_text
    from netspec.storage.weights import load_weights

    spec.check()
    assert spec.graph is not None
    arrays = ordered(load_weights(Path(run)), ["/".join(row.path) for row in rows(spec.graph)])
    if as_json:
        print_json({"weights": weights_json(arrays)})
    else:
        click.echo(weights_text(arrays))
    return 0


def _stage(spec: Compilation, stage: str) -> str:
    if stage == "python":
        return spec.python.rstrip()
    if stage == "plan":
        from netspec.analysis.lowering_plan import plan_of

        return plan_of(spec).text()
    assert spec.graph is not None
    if stage == "graph":
        return graph_text(spec.graph)
    graph = spec.inference if stage == "inference" else spec.optimized
    return graph_text(graph, find_repeats(graph))


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
