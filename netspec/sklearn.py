"""Networks as scikit-learn estimators: in pipelines, cross-validation and grid searches.

    from netspec.sklearn import Classifier

    classifier = Classifier("net.net", epochs=50, width=64).fit(X, y)
    classifier.predict(X_new)

`fit` trains on all examples (without a test split; a validation split only if the spec says so) and writes no run
folder. Sample weights are not supported: the language has weights of classes, not of examples.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, check_random_state, column_or_1d, validate_data

from netspec.compiler.names.given import KeywordText
from netspec.compiler.syntax import tree
from netspec.compiler.syntax.parser import parse_source
from netspec.data.dataset.dataset import Dataset
from netspec.data.dataset.from_arrays import from_arrays
from netspec.data.errors.prediction import WrongInput
from netspec.data.predict.preprocessing import Preprocessing
from netspec.display.python import show_warnings, showing
from netspec.language.corrections import nearest
from netspec.language.diagnostics import CompileError, Problems, Unplaced
from netspec.runs.arguments import check_type, read_spec, source_of
from netspec.runs.model import Model
from netspec.runs.predictions.intervals import intervals_of
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import load_init, prepare
from netspec.training.loop.loop import fit
from netspec.training.recipe.settings import TrainSettings

SETTINGS = """
data { normalize = standard }
train {
    epochs = 100
    batch = 512
    optimizer = adam(0.02)
}
"""
CLASSIFIER = f"dense(64, relu) -> dense(classes, softmax){SETTINGS}"
REGRESSOR = f"dense(64, relu) -> dense(1){SETTINGS}"
"""The specs of estimators that are given none."""
BATCH = 256
"""Examples that are predicted together: always as many, so that a prediction does not depend on the others."""
OWN = ("spec", "random_state", "verbose")
"""Arguments that are not settings of the spec."""


class _Argument(KeywordText):
    """A keyword argument of an estimator."""

    call = "{}"


class _Estimator(BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Common to both. Arguments become settings of `train { }` or values of the `param`s of the spec."""

    def __init__(
        self,
        spec: str | Path,
        *,
        epochs: int | None = None,
        batch: int | None = None,
        optimizer: str | None = None,
        random_state: Any = None,
        verbose: int = 0,
        **settings: Any,
    ) -> None:
        self.spec = spec
        self.epochs = epochs
        self.batch = batch
        self.optimizer = optimizer
        self.random_state = random_state
        self.verbose = verbose
        for name, value in settings.items():
            setattr(self, name, value)

    # ------------------------------------------------------------ parameters

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Every argument of the constructor, with those of the spec that were given."""
        return {name: value for name, value in vars(self).items() if name[0] != "_" and not name.endswith("_")}

    def set_params(self, **params: Any) -> Self:
        """Set arguments of the constructor, also those of the spec that were not given.

        Raises:
            ValueError: neither the constructor nor the spec has such a parameter.
        """
        for name, value in params.items():
            if name not in self.get_params() and name not in (names := self._known(params.get("spec", self.spec))):
                close = nearest(name, [*names, *OWN])
                hint = f"; did you mean `{close}`?" if close else ""
                raise ValueError(f"Invalid parameter {name!r} for estimator {type(self).__name__}{hint}")
            setattr(self, name, value)
        return self

    @staticmethod
    def _known(spec: Any) -> list[str]:
        """What may be given for a spec: its `param`s and the settings of `train`; `random_state` makes the seed."""
        train = [option.name for option in TrainSettings.options() if option.name not in ("seed", "seeds")]
        return [*_param_names(spec), *train]

    def _overrides(self) -> dict[str, str]:
        """What is given for the spec, by full name. Raises TypeError for arguments that are nothing of it."""
        names = _param_names(self.spec)
        given = {k: v for k, v in self.get_params().items() if k not in OWN and v is not None}
        for name in given:
            if name not in (known := self._known(self.spec)):
                close = nearest(name, known)
                hint = f"; did you mean `{close}`?" if close else ""
                raise TypeError(f"`{name}` is neither a `param` of the spec nor a setting of `train`{hint}")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        texts = {name: _Argument(source_of(name, value)) for name, value in given.items()}
        settings = {name if name in names else f"train.{name}": text for name, text in texts.items()}
        return {"data.test": "0", "train.seed": str(seed), **settings}

    # ------------------------------------------------------------ training and prediction

    def _fit(self, X: Any, y: Any, names: list[str] | None) -> None:
        """Train on arrays that are checked. An error of the spec or the data is a CompileError and a ValueError."""
        source, overrides = read_spec(self.spec), self._overrides()
        try:
            self._train(Compilation(source, overrides=overrides), self._dataset(X, y, names))
        except Unplaced as bad:
            raise WrongInput([bad.diagnostic()]) from None
        except CompileError as error:
            raise WrongInput(error.diagnostics) from None

    def _dataset(self, X: Any, y: Any, names: list[str] | None) -> Dataset:
        return from_arrays(X, y, names=names)

    def _train(self, spec: Compilation, dataset: Dataset) -> None:
        experiment = load_init(prepare(spec, dataset))
        show_warnings(self.verbose, experiment.compilation.problems.warnings, experiment.warnings)
        with showing(self.verbose, ()) as callback:
            trained = fit(experiment, reporter=callback)
        self.model_ = Model.of(experiment.model)
        self.model_.adopt(
            trained.module, experiment.preprocessing.replace(thresholds=trained.thresholds, margins=trained.margins)
        )
        self.history_ = trained.history

    def _checked(self, X: Any) -> Any:
        check_is_fitted(self)
        return _as_numbers(validate_data(self, X, reset=False, dtype="numeric", allow_nd=True))

    def _outputs(self, X: Any) -> Any:
        """The only output for all examples, in batches of one size."""
        parts = []
        for begin in range(0, len(X), BATCH):
            rows = X[begin : begin + BATCH]
            filled = np.concatenate([rows, np.zeros((BATCH - len(rows), *X.shape[1:]), X.dtype)])
            (values,) = self.model_.predictions(filled).values()
            parts.append(values[: len(rows)])
        return np.concatenate(parts)


class Classifier(ClassifierMixin, _Estimator):  # type: ignore[misc]
    """A network that chooses one of several classes.

    Args:
        spec: a file or a text; the network ends in `dense(classes, softmax)`, for two classes also in
            `dense(1, sigmoid)`.
        epochs: as in the section `train` of the spec, where None leaves that in force; so for `batch`, `optimizer`.
        batch: examples per step.
        optimizer: as it is written in a spec.
        random_state: makes the seed of the weights and of the order of the examples.
        verbose: what is shown during training, as for `netspec.train`; 0: nothing.
        settings: other settings of the section `train`, and values of `param`s of the spec.

    Attributes:
        classes_: the labels.
        model_: the trained `netspec.Model`.
        history_: the metrics of each epoch; `history_["loss"]` is the list of one of them.
        n_features_in_, feature_names_in_: as for every estimator of scikit-learn.
    """

    def __init__(
        self,
        spec: str | Path = CLASSIFIER,
        *,
        epochs: int | None = None,
        batch: int | None = None,
        optimizer: str | None = None,
        random_state: Any = None,
        verbose: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__(
            spec,
            epochs=epochs,
            batch=batch,
            optimizer=optimizer,
            random_state=random_state,
            verbose=verbose,
            **settings,
        )

    def fit(self, X: Any, y: Any) -> Self:
        """Train on all examples. `X` are numbers, examples first; `y` the label of each."""
        X, y = validate_data(self, X, y, dtype="numeric", allow_nd=True)
        check_classification_targets(y)
        self.classes_, ids = np.unique(column_or_1d(y, warn=True), return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"the data have one class, {self.classes_[0]!r}; a classifier needs at least two")
        self._fit(_as_numbers(X), ids.astype(np.int32), [str(label) for label in self.classes_])
        return self

    def predict_proba(self, X: Any) -> Any:
        """The probability of each class, in the order of `classes_`."""
        outputs = self._outputs(self._checked(X))
        return np.concatenate([1 - outputs, outputs], axis=1) if outputs.shape[1] == 1 else outputs

    def predict(self, X: Any) -> Any:
        """The most probable class of each example; with a `threshold` in the spec, the second of two classes above
        it."""
        probabilities, preprocessing = self.predict_proba(X), self.model_.preprocessing
        ids = probabilities.argmax(axis=1)
        for threshold in preprocessing.thresholds.values() if preprocessing is not None else ():
            ids = (probabilities[:, 1] > np.float32(threshold)).astype(int)
        return self.classes_[ids]


class Regressor(RegressorMixin, _Estimator):  # type: ignore[misc]
    """A network that predicts numbers. Arguments and attributes are those of `Classifier`, without `classes_`; several
    targets are columns of `y`, and units of the last layer.
    """

    def __init__(
        self,
        spec: str | Path = REGRESSOR,
        *,
        epochs: int | None = None,
        batch: int | None = None,
        optimizer: str | None = None,
        random_state: Any = None,
        verbose: int = 0,
        **settings: Any,
    ) -> None:
        super().__init__(
            spec,
            epochs=epochs,
            batch=batch,
            optimizer=optimizer,
            random_state=random_state,
            verbose=verbose,
            **settings,
        )

    def fit(self, X: Any, y: Any) -> Self:
        """Train on all examples. `X` are numbers, examples first; `y` the number, or the row of numbers, of each."""
        X, y = validate_data(self, X, y, dtype="numeric", allow_nd=True, multi_output=True, y_numeric=True)
        self._is_flat = y.ndim == 1 or y.shape[1] == 1
        targets = column_or_1d(y, warn=True)[:, None] if self._is_flat else y
        self._fit(_as_numbers(X), targets.astype(np.float64), None)
        return self

    def predict(self, X: Any) -> Any:
        """The numbers of each example, in the units of the targets; of a loss that predicts a distribution its
        median or mean."""
        outputs = self._outputs(self._checked(X))
        preprocessing = self.model_.preprocessing or Preprocessing()
        for intervals in intervals_of(self.model_.compilation, preprocessing, self.model_.outputs).values():
            outputs = intervals.of(outputs).points
        return outputs[:, 0] if self._is_flat else outputs


def _param_names(spec: Any) -> list[str]:
    """The names of the `param` statements of a spec."""
    check_type("spec", spec, (str, Path), "a file (str or Path) or a text (str)")
    file = parse_source(read_spec(spec), Problems())
    return [one.name.name for one in file.statements if isinstance(one, tree.Param)]


def _as_numbers(X: Any) -> Any:
    """Whole numbers are numbers here, not ids of tokens."""
    return X if X.dtype.kind == "f" else X.astype(np.float64)
