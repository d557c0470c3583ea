"""Reads modules of PyTorch, programs of `torch.export`, and files of weights with well-known names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import NotAModel, ReadingNeeds
from netspec.interchange.formats import Foreign, Runner
from netspec.interchange.reading.channels_first.values import NO_AXIS, Value
from netspec.interchange.reading.sketch import Sketch
from netspec.interchange.torch.reading.archive import WRONG, archived, damaged
from netspec.interchange.torch.reading.modules import evaluating, given_inputs, ready, traced
from netspec.interchange.torch.reading.named.reader import read_named
from netspec.interchange.torch.reading.operations import (  # noqa: F401  # these fill the table
    basic,
    sequences,
    shapes,
    windows,
)
from netspec.interchange.torch.reading.program import Program
from netspec.interchange.torch.reading.translate import Translator
from netspec.language.diagnostics import fail
from netspec.language.lazy import lazy, np

torch = lazy("torch")

INSTALL = "pip install torch"


def read(source: Any, weights: Path | None, inputs: Any = None) -> Foreign:
    """What a module or a file is read as.

    Args:
        source: a module, or a file.
        weights: not used: the weights are in the same file.
        inputs: shapes or examples of the inputs of a module.

    Raises:
        CompileError: it cannot be read (NS475, NS570, NS574, NS575).
    """
    if isinstance(source, str | Path):
        path = Path(source)
        return read_program(path) if path.suffix.lower() == ".pt2" else read_named(path)
    try:
        is_module = isinstance(source, torch.nn.Module)
    except ModuleNotFoundError as error:
        raise fail(ReadingNeeds(format="PyTorch", package="torch", advice=INSTALL)) from error
    if not is_module:
        raise TypeError(f"`source` is a file or a torch.nn.Module, not {type(source).__name__}")
    return read_module(source, inputs)


def read_module(module: Any, inputs: Any) -> Foreign:
    """The network of a module.

    Raises:
        CompileError: it cannot be traced (NS570).
        TypeError: an input is neither a shape nor a tensor.
    """
    title = type(module).__name__
    if isinstance(module, torch.jit.ScriptModule):
        advice = "import the module that it was made from"
        raise fail(NotAModel(file=title, format="PyTorch", reason="it is a program of TorchScript", advice=advice))
    module = ready(module)
    program, examples = traced(module, given_inputs(module, inputs))
    sketch = Sketch(_name(title), f"{title} of PyTorch.")
    translator = Translator(program, sketch, len(next(iter(examples.values()))))
    translator.run()
    names = [name for name, _ in program.outputs]
    return Foreign(
        sketch, "torch", INSTALL, partial(_runner, translator, partial(_run_module, module, names), examples)
    )


def _name(title: str) -> str:
    """A name of the spec for a class."""
    text = "".join(c if c.isalnum() and c.isascii() else "_" for c in title).strip("_").lower()
    return text if text[:1].isalpha() else f"net_{text}".rstrip("_")


def _run_module(module: Any, names: list[str], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a module by name, in the order of its program."""
    with evaluating(module):
        found = module(**inputs)
    flat, _ = torch.utils._pytree.tree_flatten(found)
    return dict(zip(names, (y for y in flat if torch.is_tensor(y)), strict=True))


def _runner(
    translator: Translator, run: Callable[[Mapping[str, Any]], Mapping[str, Any]], examples: Mapping[str, Any]
) -> Runner:
    def outputs(inputs: Mapping[str, Array]) -> dict[str, Array]:
        count = len(next(iter(inputs.values())))
        given = {}
        for name, example in examples.items():
            value = translator.inputs[name]
            if value.step.name in inputs:
                array = np.array(inputs[value.step.name].transpose(value.axes), order="C")
                given[name] = torch.from_numpy(array).to(example.dtype)
            else:
                given[name] = torch.zeros((count, *example.shape[1:]), dtype=example.dtype)
        found = run(given)
        return {name or "output": _as_step(found[name], value) for name, value in translator.outputs.items()}

    return outputs


def _as_step(tensor: Any, value: Value) -> Array:
    """A tensor with the axes of the step of its value."""
    kept = [axis for axis, own in enumerate(value.axes) if own != NO_AXIS]
    array = tensor.detach().float().numpy()
    order = sorted(kept, key=lambda axis: value.axes[axis])
    turned: Array = array.transpose([*order, *(axis for axis in range(array.ndim) if axis not in kept)])
    return turned.reshape(turned.shape[0], *map(int, map(str, value.step.shape.sizes)))


def read_program(path: Path) -> Foreign:
    """The network of a file of `torch.export.save`.

    Raises:
        CompileError: it cannot be read (NS570), or PyTorch is not installed (NS574).
    """
    try:
        program = archived(path)
    except ModuleNotFoundError as error:
        raise fail(ReadingNeeds(format="PyTorch", package="torch", advice=INSTALL)) from error
    sketch = Sketch(path.name.partition(".")[0], f"a program of PyTorch, {path.name}.")
    try:
        shapes = {name: program.shapes[value] for name, value in program.inputs.items()}
        batch = next(iter(shapes.values()))[0]
        translator = Translator(program, sketch, batch)
        translator.run()
    except WRONG as error:
        raise damaged(path, error) from error
    examples = {name: torch.zeros(shape, dtype=_dtype(translator.inputs[name])) for name, shape in shapes.items()}
    return Foreign(
        sketch, "torch", INSTALL, partial(_runner, translator, partial(_in_batches, program, batch), examples)
    )


def _dtype(value: Value) -> Any:
    return torch.int64 if value.step.shape.is_tokens else torch.float32


def _in_batches(program: Program, batch: int, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The outputs of a program, which is computed for batches of one size."""
    count = len(next(iter(inputs.values())))
    parts = []
    for start in range(0, count, batch):
        rows = torch.arange(start, start + batch).clamp(max=count - 1)
        parts.append(program.run({name: x[rows] for name, x in inputs.items()}))
    return {name: torch.cat([part[name] for part in parts])[:count] for name in parts[0]}
