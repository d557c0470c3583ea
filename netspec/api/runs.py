"""Use what was trained: evaluate, predict, load."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from netspec.runs.arguments import (
    check_choice,
    check_one_data,
    check_type,
    run_folder,
)

if TYPE_CHECKING:
    from netspec.runs.model import Model
    from netspec.runs.predictions.predictions import Predictions
    from netspec.spec.model import Model as Compiled


def evaluate(
    run: str | Path | Model, data: Any = None, *others: Any, split: Literal["train", "val", "test"] = "test"
) -> dict[str, Any]:
    """The loss and every metric of a model over a split, exactly as after training.

    Args:
        run: a run folder, whose best weights are evaluated; or a model with the weights that it has.
        data: other data, which are evaluated whole unless they have a test split of their own: a file or folder, read
            and coded as the data of the training were (names are relative to the current folder); a source as in a spec
            (`'csv("new.csv", …)'`); or arrays or an iterable of batches as for `netspec.train`.
            None: the data of the run, or those that the spec names.
        split: the examples to evaluate.

    Returns:
        Floats by name: `test_loss`, `test_accuracy`, …, accuracies as fractions from 0 to 1; per-class tables as lists.

    Raises:
        CompileError: there is no such run, it is damaged, the data are missing or do not fit, or have no such split.
        TypeError: an argument has a wrong type.
        ValueError: there is no such split.
    """
    check_one_data("netspec.evaluate(…, ", others)
    from netspec.runs.model import evaluate_with_warnings

    check_choice("split", split, ("train", "val", "test"))
    return evaluate_with_warnings(_run_or_model(run), data, split)


def predict(
    run: str | Path | Model, inputs: Any, *, batch: int = 500, every_window: bool = False, beams: int = 1
) -> Predictions:
    """The predictions of a model for new examples: dropout off, inputs normalized as in training.

    Args:
        run: a run folder, whose best weights are used; or a model with the weights that it has.
        inputs: an array, examples first, channels last; a dict of arrays by input for a network with several; a data
            frame (pandas, polars, pyarrow) with the columns of the training data, a dict or a list of dicts of them;
            images of Pillow; or a string, a path or a list of them, as on the command line: tables (.csv, .parquet),
            .npy and .npz files, images, folders of images, rows such as `"5.1,3.5,1.4,0.2"`, text.
            An iterable of batches gives the predictions for all of them.
            A model of windows over series takes tables or data frames with the last rows of each series.
        batch: how many examples are computed together.
        every_window: of series, forecast from every window of the table, not only from the last of each series.
        beams: of a network trained with `ctc`, the beginnings that a beam search keeps; 1: the best class at each step.

    Returns:
        The predictions: `classes` and `probabilities`, or `values`, and the same as plain dicts (`to_dicts()`); of
        forecasts a dict for each time (`forecast_rows()`).
        Warnings about the inputs are Python warnings, and in `warnings`.

    Raises:
        CompileError: there is no such run, it is damaged, or an input cannot be read, is missing or has another shape;
            for inputs that are not texts it is a ValueError too.
        TypeError: an argument has a wrong type.
    """
    from netspec.runs.model import predict_with_warnings

    return predict_with_warnings(_run_or_model(run), inputs, batch, every_window=every_window, beams=beams)


def load(run: str | Path) -> Model:
    """The model of a run folder, with its best weights; of a cross-validation the ensemble of its networks, whose
    predictions are the means of theirs.

    Raises:
        CompileError: there is no such run, or it is damaged.
        TypeError: it is neither a string nor a path.
    """
    from netspec.runs.model import EnsembleModel, Model
    from netspec.runs.repeated.ensemble import Ensemble, load_models

    found = load_models(run_folder(run))
    return (EnsembleModel if isinstance(found, Ensemble) else Model).of(found)


def _run_or_model(run: str | Path | Compiled) -> Path | Compiled:
    from netspec.spec.model import Model as Compiled

    if isinstance(run, Compiled):
        return run
    check_type("run", run, (str, Path), "a run folder (str or Path) or a Model")
    return run_folder(run)
