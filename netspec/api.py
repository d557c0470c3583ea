"""The functions of the library; `netspec` re-exports them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.language.diagnostics import Diagnostic, Problems
from netspec.language.source import Source
from netspec.language.values import setting_to_source
from netspec.spec.compilation import Compilation, read_source

if TYPE_CHECKING:
    from netspec.runs.evaluate_predict import Predictions
    from netspec.runs.seed_runs import SeedsResult
    from netspec.spec.experiment import Result
    from netspec.spec.model import Model
    from netspec.training.loop.callback import Callback


def read_spec(spec: str | Path) -> Source:
    """A `Path`, or a one-line string that ends in `.net`, is a file; any other string is the text itself.

    Raises:
        CompileError: the file cannot be read.
        TypeError: it is neither a string nor a path.
    """
    if isinstance(spec, Path) or (isinstance(spec, str) and spec.endswith(".net") and "\n" not in spec):
        return read_source(Path(spec))
    if not isinstance(spec, str):
        raise TypeError(f"a spec is a file (str or Path) or a text (str), not {_kind(spec)}")
    return Source("<spec>", spec)


def parse(spec: str | Path) -> tree.File:
    """The syntax tree of a spec.

    Args:
        spec: a file or a text.

    Raises:
        CompileError: it has syntax errors, or the file cannot be read.
    """
    problems = Problems()
    file = parse_source(read_spec(spec), problems)
    problems.raise_errors()
    return file


def check(spec: str | Path, *, params: Mapping[str, Any] | None = None, input: str | None = None) -> list[Diagnostic]:
    """Every error and warning of a spec, in the order of the text; an empty list if there are none.

    Args:
        spec: a file or a text.
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
    """Compile a spec to a model.

    Args:
        spec: a file or a text.
        params: values for its `param` statements (`{"width": 64}`) and settings (`{"train.epochs": 3}`).
        input: the shape of the input (`"28x28x1"`), for a spec that declares none.
        data: a data source (`"mnist"`), for a spec that names none; file names are relative to the current folder.
        seed: the seed of the initial weights.

    Raises:
        CompileError: the spec has errors; the exception carries the diagnostics.
    """
    from netspec.spec.model import Model

    return Model(_compilation(spec, params, input, data), seed=seed)


def _compilation(
    spec: str | Path, params: Mapping[str, Any] | None, input: str | None, data: str | None
) -> Compilation:
    overrides = _overrides(params, {})
    if data is not None:
        overrides["data.source"] = data
    return Compilation(read_spec(spec), overrides=overrides, input=input)


def train(
    model: Model | str | Path,
    data: Any = None,
    *,
    resume: str | Path | None = None,
    runs: str | Path = "runs",
    callbacks: Sequence[Callback] = (),
    params: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Result:
    """Train a model. Afterwards it holds the trained weights, as `result.model` does.

    Nothing is printed. Warnings, and expectations (`expect`) that the run does not meet, are in `result.problems`.

    Args:
        model: a model, or a spec to compile.
        data: `(x, y)` or `(x, y, x_test, y_test)` of arrays, examples first, channels last; or dicts of arrays by the
            names of inputs and outputs. None: the source that the spec names.
        resume: a run folder to resume, as `netspec.resume` does; `model` must be what the run was started with, and
            only `epochs` may differ.
        runs: the folder in which the run folder is created.
        callbacks: called during training (see `netspec.Callback`).
        params: values for the `param` statements of the spec (`{"width": 64}`).
        settings: settings of the section `train`, such as `epochs=3` or `optimizer="sgd(0.1, momentum = 0.9)"`.

    Raises:
        CompileError: the spec, the data or a setting is wrong, or the loss became NaN or infinite.
        TypeError: `model` or `data` has a wrong type, or the spec sets several seeds (see `netspec.train_seeds`).
    """
    from netspec.runs.resume import resume_run
    from netspec.spec.experiment import prepare, train_prepared
    from netspec.spec.model import Model
    from netspec.training.loop.callback import Several

    spec, overrides = _spec_of(model), _overrides(params, settings)
    if resume is not None:
        result = resume_run(_folder(resume), Several(callbacks), overrides, spec=spec, data=data)
    else:
        experiment = prepare(spec, data, overrides)
        if experiment.compilation.train.seeds > 1:
            raise TypeError("`netspec.train` trains one seed: set `seeds = 1`, or call `netspec.train_seeds`")
        result = train_prepared(experiment, Path(runs), Several(callbacks))
    if isinstance(model, Model) and result.model.source == model.source:  # `width=64` makes another network
        model.adopt(result.model.module, result.model.preprocessing)
    return result


def train_seeds(
    model: Model | str | Path,
    data: Any = None,
    *,
    runs: str | Path = "runs",
    callbacks: Sequence[Callback] = (),
    params: Mapping[str, Any] | None = None,
    **settings: Any,
) -> SeedsResult:
    """Train a model once for each of `seeds` seeds, counted up from `seed`; the data are read once and the network is
    compiled once. Arguments and errors are those of `netspec.train`.

    Each run is the same as with its seed alone, and is loaded by `netspec.load(result.run / "seed-0")`; a `Model` that
    is given keeps its weights. The records of `callbacks` have the `seed`.

    Returns:
        The metrics of each seed, and their mean and spread.
    """
    from netspec.runs import seed_runs
    from netspec.spec.experiment import prepare
    from netspec.training.loop.callback import Several

    experiment = prepare(_spec_of(model), data, _overrides(params, settings))
    return seed_runs.train_seeds(experiment, Path(runs), Several(callbacks))


def _spec_of(model: Model | str | Path) -> Compilation | Source:
    from netspec.spec.model import Model

    return model.compilation if isinstance(model, Model) else read_spec(model)


def _overrides(params: Mapping[str, Any] | None, settings: Mapping[str, Any]) -> dict[str, str]:
    """Values for `param` statements and settings of `train`, by full name, as they are written in a spec."""
    named = {key if "." in key else f"train.{key}": value for key, value in settings.items()}
    return {key: setting_to_source(value) for key, value in {**(params or {}), **named}.items()}


def resume(
    run: str | Path, data: Any = None, *, epochs: int | None = None, callbacks: Sequence[Callback] = ()
) -> Result:
    """Resume a run: continue from its last checkpoint, to the same weights bit for bit as without the interruption.

    Args:
        run: the run folder.
        data: the arrays that the run was started with, for a run on arrays; None: the source that its spec names.
        epochs: the total number of epochs; None: as the run was started. More than that trains it for longer.
        callbacks: called during training (see `netspec.Callback`).

    Raises:
        CompileError: there is no such run, it is damaged or is being trained, or the data have changed.
        TypeError: an argument has a wrong type, or the folder holds runs with several seeds.
    """
    from netspec.runs.resume import resume_run
    from netspec.runs.seed_runs import is_seeds_run
    from netspec.training.loop.callback import Several

    if is_seeds_run(_folder(run)):
        raise TypeError(f"{run} holds runs with several seeds: call `netspec.resume_seeds`")
    if epochs is not None and (isinstance(epochs, bool) or not isinstance(epochs, int)):
        raise TypeError(f"`epochs` must be an integer, not {_kind(epochs)}")
    overrides = {} if epochs is None else {"train.epochs": str(epochs)}
    return resume_run(_folder(run), Several(callbacks), overrides, data=data)


def resume_seeds(run: str | Path, data: Any = None, *, callbacks: Sequence[Callback] = ()) -> SeedsResult:
    """Complete the runs of `netspec.train_seeds` in the folder `run`: an interrupted run is resumed, missing ones are
    started. Arguments and errors are those of `netspec.resume`.
    """
    from netspec.runs import seed_runs
    from netspec.training.loop.callback import Several

    return seed_runs.resume_seeds(_folder(run), Several(callbacks), data)


def evaluate(
    run: str | Path | Model, data: Any = None, *, split: Literal["train", "val", "test"] = "test"
) -> dict[str, Any]:
    """The loss and every metric of a model over a split, exactly as after training.

    Args:
        run: a run folder, whose best weights are evaluated; or a model with the weights that it has.
        data: a data source as in a spec (`"mnist"`; file names are relative to the current folder), divided into splits
            as the spec says; or arrays as for `netspec.train`: `(x, y)` is evaluated whole,
            `(x, y, x_test, y_test)` has its own test split. None: the data of the run, or those that the spec names.
        split: the examples to evaluate.

    Returns:
        Floats by name: `test_loss`, `test_accuracy`, …, accuracies as fractions from 0 to 1; per-class tables as lists.

    Raises:
        CompileError: there is no such run, it is damaged, the data are missing or do not fit, or have no such split.
        TypeError: an argument has a wrong type.
        ValueError: there is no such split.
    """
    from netspec.runs.evaluate_predict import evaluate_model

    if split not in ("train", "val", "test"):
        raise ValueError(f"`split` is 'train', 'val' or 'test', not {split!r}")
    return evaluate_model(_run_or_model(run), data, split)


def predict(run: str | Path | Model, inputs: Any) -> Predictions:
    """The predictions of a model for new examples: dropout off, inputs normalized as in training.

    Args:
        run: a run folder, whose best weights are used; or a model with the weights that it has.
        inputs: an array, examples first, channels last; a dict of arrays by input for a network with several; or a
            string, a path or a list of them, as on the command line: tables (.csv, .parquet), .npy files, images,
            folders of images, rows such as `"5.1,3.5,1.4,0.2"`, text.

    Returns:
        `outputs`, an array by output (probabilities after a softmax or sigmoid), and `examples`, the same in words: the
        class and its probability, or the values, of each example.

    Raises:
        CompileError: there is no such run, it is damaged, or an input cannot be read or has another shape.
        TypeError: an argument has a wrong type.
        ValueError: an array has another shape than the network takes, or an input is missing.
    """
    from netspec.runs.evaluate_predict import predict_examples

    return predict_examples(_run_or_model(run), inputs)


def load(run: str | Path) -> Model:
    """The model of a run folder, with its best weights.

    Raises:
        CompileError: there is no such run, or it is damaged.
        TypeError: it is neither a string nor a path.
    """
    from netspec.spec.saved import load_model

    return load_model(_folder(run))


def _run_or_model(run: str | Path | Model) -> Path | Model:
    from netspec.spec.model import Model

    if isinstance(run, Model):
        return run
    if not isinstance(run, str | Path):
        raise TypeError(f"give a run folder (str or Path) or a Model, not {_kind(run)}")
    return Path(run)


def _folder(run: str | Path) -> Path:
    if not isinstance(run, str | Path):
        raise TypeError(f"a run is a folder (str or Path), not {_kind(run)}")
    return Path(run)


def _kind(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}"
