"""What users hold: a compiled network with the methods that need data, and the result of a training.

Input: the network and the result of `netspec.spec`. Output: the same, as `netspec.Model` and `netspec.Result`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.python_inputs import raw_inputs
from netspec.display.charts.history import RunHistory, history_svg
from netspec.display.pictures import in_notebook
from netspec.language.diagnostics import fail, render
from netspec.language.files.atomic_files import reason_of, replace_file
from netspec.runs.arguments import check_choice, check_one_data, check_optional, check_type
from netspec.runs.evaluate_predict import BATCH, batches, evaluate_model, predict_examples
from netspec.runs.predictions.predictions import Predictions
from netspec.runs.repeated.ensemble import Ensemble
from netspec.spec import experiment, model
from netspec.storage.errors import CannotWrite
from netspec.storage.weights import weights_file, weights_of

INSTEAD = {
    "fit": "netspec.train(model, (x, y))",
    "train": "netspec.train(model, (x, y))",
    "compile": 'netspec.train(model, (x, y), optimizer="adam(1e-3)")',
    "forward": "model(x)",
    "predict_proba": "model.predict(x).probabilities",
    "parameters": "model.variables",
    "state_dict": "model.variables",
    "get_weights": "model.variables",
    "save_weights": "model.save(file)",
    "load_weights": "netspec.load(run)",
}
"""What Keras, PyTorch and scikit-learn call what netspec calls otherwise."""


class InputWarning(UserWarning):
    """Inputs of a prediction differ from the data of the training."""


class Model(model.Model):
    """A compiled network.

    Weights are made at the first use, from `seed`. The first axis of an input is the batch: (batch, height, width,
    channels) for an image, (batch, features) for a vector; token ids are integers. Several inputs are given in the
    order in which the spec declares them. Several outputs are returned as a dict by name.

    A model that was trained with `normalize = standard` takes raw inputs when it is called, and normalizes them itself;
    `module` and `apply` take what the layers take. `preprocessing` is that of the training, None before.
    """

    @classmethod
    def of(cls, compiled: model.Model) -> Model:
        """The same model: both have the same weights, also when one of them is trained."""
        made = cls.__new__(cls)
        made.__dict__ = compiled.__dict__
        return made

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Raises AttributeError, for a name of another library with what to call instead."""
            if name in INSTEAD:
                raise AttributeError(f"a netspec.Model has no `{name}`: call `{INSTEAD[name]}`")
            return object.__getattribute__(self, name)

    @property
    def class_names(self) -> dict[str, list[str]]:
        """The names of the classes by output, in the order of class ids; of outputs that were trained on such."""
        found = self.preprocessing.class_names if self.preprocessing is not None else {}
        return {output: list(names) for output, names in found.items()}

    def predict(self, inputs: Any, *, batch: int = BATCH, every_window: bool = False, beams: int = 1) -> Predictions:
        """The predictions for new examples, with the weights that the model has; see `netspec.predict`.

        Args:
            inputs: arrays, data frames, rows, dicts, images, texts or paths, raw as in the data of the training.
            batch: how many examples are computed together.
            every_window: of series, forecast from every window of a table, not only from the last of each series.
            beams: of a network trained with `ctc`, the beginnings that a beam search keeps; 1: the best class at each
                step.
        """
        return predict_with_warnings(self, inputs, batch, every_window=every_window, beams=beams)

    def evaluate(
        self, data: Any = None, *others: Any, split: Literal["train", "val", "test"] = "test"
    ) -> dict[str, Any]:
        """The loss and every metric over a split, with the weights that the model has; see `netspec.evaluate`.

        Args:
            data: a data source as in a spec, or arrays such as `(x, y)`; None: those that the spec names.
            split: the examples to evaluate.
        """
        check_one_data("model.evaluate(", others)
        check_choice("split", split, ("train", "val", "test"))
        return evaluate_with_warnings(self, data, split)

    def save(self, file: str | Path) -> None:
        """Write the weights that the model has to a safetensors file, for `init` in the section `train` of a spec and
        for other libraries. The run folder of a training has them already, with the spec and all else: `netspec.load`.

        Raises:
            CompileError: the file cannot be written (NS477).
        """
        check_type("file", file, (str, Path), "the name of a file (str or Path)")
        try:
            replace_file(Path(file), [weights_file(weights_of(self.module))], is_shared=True)
        except OSError as error:
            raise fail(CannotWrite(path=str(file), reason=reason_of(error))) from error

    def activations(self, inputs: Any, layer: str | Sequence[str] | None = None, *, batch: int = BATCH) -> Any:
        """What layers give for some examples, in inference mode, as arrays with examples first.

        Args:
            inputs: examples, as for `predict`.
            layer: the name of a layer or block as in `netspec show` (`"conv_2"`, `"stage/conv"`), or a list of names.
                None: all of them.
            batch: how many examples are computed together.

        Returns:
            The array of a single layer, otherwise a dict of arrays by name, in the order of the computation.

        Raises:
            ValueError: there is no such layer.
        """
        names = [layer] if isinstance(layer, str) else layer
        check_optional("layer", names, Sequence, "the name of a layer, or a list of names")
        raw = raw_inputs(inputs, self.inputs, self.preprocessing or Preprocessing())
        parts = [
            {name: np.asarray(value)[:count] for name, value in self.layer_results(names, *arrays).items()}
            for arrays, count in batches([raw.arrays[name] for name in self.inputs], checked_count("batch", batch))
        ]
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return found[layer] if isinstance(layer, str) else found


class EnsembleModel(Ensemble, Model):
    """The networks of a cross-validation as one model: `predict`, `evaluate` and calls give the mean of what they give.
    `members` are the networks. What needs the weights of one network raises CompileError (NS604)."""


@dataclass(frozen=True, repr=False)
class Result(experiment.Result):
    """A finished (or interrupted) training of a spec, with the folder of the `run`.

    `model` is the compiled network with the best or last weights; `problems` are warnings about the data and
    expectations that were not met.
    """

    model: Model = field(kw_only=True)

    @classmethod
    def of(cls, result: experiment.Result) -> Result:
        """The same result, with the model that users hold."""
        parts: dict[str, Any] = {**vars(result), "model": Model.of(result.model)}
        return cls(**parts)

    def _repr_html_(self) -> str:
        """How the run went, for a notebook: the curves, and the metrics below."""
        run = RunHistory(self.run.name, self.history, self.best_epoch)
        curves = in_notebook(history_svg([run])) if self.history else ""
        return f"{curves}<p>{escape(repr(self))}</p>"


def checked_count(name: str, value: object) -> int:
    """Raises TypeError or ValueError unless a number, such as that of examples, is a positive integer."""
    check_type(name, value, int, "a positive integer")
    assert isinstance(value, int)
    if value < 1:
        raise ValueError(f"`{name}` is a positive integer, not {value}")
    return value


def evaluate_with_warnings(run: Path | model.Model, data: Any, split: str) -> dict[str, Any]:
    """The metrics; what is strange about the data is a Python warning at the line of the caller's caller."""
    found = evaluate_model(run, data, split)
    for warning in found.warnings:
        warnings.warn(f"{render(warning)}\n", InputWarning, stacklevel=3)
    return found.metrics


def predict_with_warnings(
    run: Path | model.Model, inputs: Any, batch: int, *, every_window: bool = False, beams: int = 1
) -> Predictions:
    """The predictions; what is strange about the inputs is a Python warning at the line of the caller's caller."""
    predictions = predict_examples(
        run, inputs, checked_count("batch", batch), every_window=every_window, beams=checked_count("beams", beams)
    )
    for warning in predictions.warnings:
        warnings.warn(f"{render(warning)}\n", InputWarning, stacklevel=3)
    return predictions
