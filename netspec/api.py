"""The functions of the library; `netspec` re-exports them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.diagnostics import Diagnostic, Problems
from netspec.pipeline import Compilation, read_source
from netspec.source import Source
from netspec.syntax import tree
from netspec.syntax.parser import parse_source

if TYPE_CHECKING:
    from netspec.model import Model
    from netspec.training import Result


def read_spec(spec: str | Path) -> Source:
    """A `Path`, or a string that ends in `.net` and has one line, is a file; any other string is the text itself.

    Raises:
        CompileError: the file cannot be read.
    """
    is_file = isinstance(spec, Path) or (spec.endswith(".net") and "\n" not in spec)
    if not is_file:
        return Source("<spec>", str(spec))
    return read_source(Path(spec))


def parse(spec: str | Path) -> tree.File:
    """The syntax tree of a spec (a file or a text).

    Raises:
        CompileError: it has syntax errors.
    """
    problems = Problems()
    file = parse_source(read_spec(spec), problems)
    problems.raise_errors()
    return file


def check(spec: str | Path, *, params: Mapping[str, Any] | None = None, input: str | None = None) -> list[Diagnostic]:
    """Every error and warning of a spec (a file or a text), in the order of the text; an empty list for none.

    Args:
        spec: the spec.
        params: values for its `param` statements (`{"width": 64}`) and settings (`{"train.epochs": 3}`).
        input: the shape of the input (`"28x28x1"`), for a spec that declares none.

    Raises:
        CompileError: the file cannot be read.
    """
    return list(_compilation(spec, params, input, None).diagnose())


def compile(
    spec: str | Path,
    *,
    params: Mapping[str, Any] | None = None,
    input: str | None = None,
    data: str | None = None,
    seed: int = 0,
) -> Model:
    """Compile a spec (a file or a text) to a model.

    Args:
        spec: the spec.
        params: values for its `param` statements (`{"width": 64}`) and settings (`{"train.epochs": 3}`).
        input: the shape of the input (`"28x28x1"`), for a spec that declares none.
        data: a data source (`"mnist"`), for a spec that names none; file names start from the current folder.
        seed: where the first weights start from.

    Raises:
        CompileError: the spec has errors; the exception carries the diagnostics.
    """
    from netspec.model import Model

    return Model(_compilation(spec, params, input, data), seed=seed)


def _compilation(
    spec: str | Path, params: Mapping[str, Any] | None, input: str | None, data: str | None
) -> Compilation:
    overrides = {name: spell_value(value) for name, value in (params or {}).items()}
    if data is not None:
        overrides["data.source"] = data
    return Compilation(read_spec(spec), overrides=overrides, input=input)


def spell_value(value: Any) -> str:
    """A Python value as it is typed in a spec; a string is taken as it stands (`"adam(1e-3)"`)."""
    from netspec.values import spell

    return value if isinstance(value, str) else spell(value)


def train(model: Model | str | Path, data: Any = None, **overrides: Any) -> Result:
    """Train a model; it holds the trained weights afterwards, as `result.model` does.

    Nothing is printed. What the spec's `expect` asks for and is not so stands in `result.problems`, with warnings.

    Args:
        model: a model, or a spec to compile.
        data: `(x, y)` or `(x, y, x_test, y_test)` of arrays, or dicts of arrays by the names of inputs and outputs;
            None for the source that the spec names.
        overrides: settings of the `train` section, such as `epochs=3` or `optimizer="sgd(0.1, momentum = 0.9)"`;
            and `runs="folder"` for where the run folder is made, `resume="runs/net-1"` to go on with a run (only
            `epochs` may be another then), `callbacks=[…]` to follow the training (see
            `netspec.train.reporting.Callback`), `params={"width": 64}` for the `param` statements of the spec.

    Raises:
        CompileError: the spec, the data or a setting is wrong, or the loss became NaN.
    """
    from netspec.model import Model
    from netspec.training import train_model

    if not isinstance(model, Model):
        return train_model(read_spec(model), data, **overrides)
    result = train_model(model.compilation, data, **overrides)
    if result.model.source == model.source:  # a param such as width=64 makes another network
        model.adopt(result.model.module, result.model.normalisation, result.model.restored)
    return result


def load(run: str | Path) -> Model:
    """The model of a run folder, with its best weights.

    Raises:
        CompileError: there is no such run, or it is damaged.
    """
    from netspec.training import load_model

    return load_model(Path(run))
