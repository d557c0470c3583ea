"""The functions of the library; `netspec` re-exports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import Diagnostic, Problems
from netspec.language.source import Source
from netspec.language.values import setting_to_source
from netspec.spec.compilation import Compilation, read_source

if TYPE_CHECKING:
    from netspec.spec.experiment import Result
    from netspec.spec.model import Model
    from netspec.training.loop.callback import Callback


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
    from netspec.spec.model import Model

    return Model(_compilation(spec, params, input, data), seed=seed)


def _compilation(
    spec: str | Path, params: Mapping[str, Any] | None, input: str | None, data: str | None
) -> Compilation:
    overrides = {name: setting_to_source(value) for name, value in (params or {}).items()}
    if data is not None:
        overrides["data.source"] = data
    return Compilation(read_spec(spec), overrides=overrides, input=input)


def train(model: Model | str | Path, data: Any = None, *, resume: str | Path | None = None, **overrides: Any) -> Result:
    """Train a model; it holds the trained weights afterwards, as `result.model` does.

    Nothing is printed. What the spec's `expect` asks for and is not so stands in `result.problems`, with warnings.

    Args:
        model: a model, or a spec to compile.
        data: `(x, y)` or `(x, y, x_test, y_test)` of arrays, or dicts of arrays by the names of inputs and outputs;
            None for the source that the spec names.
        overrides: settings of the `train` section, such as `epochs=3` or `optimizer="sgd(0.1, momentum = 0.9)"`;
            and `runs="folder"` for where the run folder is made, `resume="runs/net-1"` to go on with a run (only
            `epochs` may be another then), `callbacks=[…]` to follow the training (see
            `netspec.training.loop.callback.Callback`), `params={"width": 64}` for the `param` statements of the spec.

    Raises:
        CompileError: the spec, the data or a setting is wrong, or the loss became NaN.
    """
    from netspec.spec.experiment import train_model
    from netspec.spec.model import Model

    spec = model.compilation if isinstance(model, Model) else read_spec(model)
    result = train_model(spec, data, **overrides) if resume is None else _resume(resume, spec, data, **overrides)
    if isinstance(model, Model) and result.model.source == model.source:  # `width=64` makes another network
        model.adopt(result.model.module, result.model.normalisation, result.model.restored)
    return result


def _resume(
    run: str | Path,
    spec: Compilation | Source,
    data: Any,
    *,
    callbacks: Sequence[Callback] = (),
    params: Mapping[str, Any] | None = None,
    **overrides: Any,
) -> Result:
    from netspec.runs.resume import resume_run
    from netspec.spec.experiment import named_overrides
    from netspec.training.loop.callback import Several

    return resume_run(Path(run), Several(callbacks), named_overrides(params, overrides), spec=spec, data=data)


def load(run: str | Path) -> Model:
    """The model of a run folder, with its best weights.

    Raises:
        CompileError: there is no such run, or it is damaged.
    """
    from netspec.spec.experiment import load_model

    return load_model(Path(run))
