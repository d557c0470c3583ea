"""The networks of a cross-validation as one model, whose predictions are the means of theirs.

Input: the folder of a cross-validation. Output: `Ensemble`, or for another run its `Model`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Any, NoReturn

import numpy as np

from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.encoders import RowEncoder
from netspec.language.diagnostics import fail
from netspec.language.files.paths import is_file
from netspec.spec.compilation import Compilation
from netspec.spec.model import Model
from netspec.spec.saved import load_model, read_compilation, read_preprocessing
from netspec.storage.errors import SeveralFolds
from netspec.storage.run_files import FOLDS, is_run, member_folders
from netspec.storage.run_folder import read_run


class Ensemble(Model):
    """Several trained networks that predict together: probabilities, or values, are averaged over them, and a yes/no
    output predicts yes above the mean of their thresholds.

    It has no weights of its own: what needs those of a single network raises CompileError (NS604).

    Args:
        compilation: the spec, with what is known of all examples.
        members: the networks.
        preprocessing: how inputs are encoded, with every category that occurs; each network knows those of its own
            training examples, and takes others as unknown.
        path: the folder of the cross-validation.
    """

    def __init__(
        self, compilation: Compilation, members: Sequence[Model], preprocessing: Preprocessing, path: Path
    ) -> None:
        super().__init__(compilation)
        self.members, self.path = tuple(members), path
        if any(member.outputs != self.outputs for member in members):  # such as other vocabularies of a text
            self._fail()
        thresholds = [member.preprocessing.thresholds for member in members if member.preprocessing is not None]
        means = {name: fmean(one[name] for one in thresholds) for name in (thresholds or [{}])[0]}
        widths = [member.preprocessing.margins for member in members if member.preprocessing is not None]
        self.preprocessing = preprocessing.replace(thresholds=means, margins=mean_margins(widths))

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (type(self), super().__reduce__(), self.members, self.preprocessing, self.path)

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, the mean of {len(self.members)} networks>"

    def _fail(self) -> NoReturn:
        raise fail(SeveralFolds(run=str(self.path), count=len(self.members), first="fold-1"))

    @property
    def module(self) -> Any:
        """Raises CompileError: each network has its own (NS604)."""
        return self._fail()

    def __call__(self, *inputs: Any) -> Any:
        """The mean of what the networks give for a batch of raw inputs."""
        found = self.predictions(*inputs)
        return next(iter(found.values())) if len(found) == 1 else found

    def predictions(self, *inputs: Any) -> dict[str, Any]:
        """As a call, but NumPy arrays by output."""
        checked = self._checked(inputs)
        parts = [
            member.predictions(*(take(x) for take, x in zip(takes, checked, strict=True)))
            for member, takes in zip(self.members, self._takes, strict=True)
        ]
        return mean_outputs(parts)

    @cached_property
    def _takes(self) -> list[list[Any]]:
        """For each network and input, how the encoded input of the ensemble becomes that of the network."""
        assert self.preprocessing is not None
        return [
            [_converter(name, self.preprocessing, member.preprocessing) for name in self.inputs]
            for member in self.members
        ]

    def release_programs(self) -> None:
        for member in self.members:
            member.release_programs()


def _restored(cls: type[Ensemble], reduced: tuple[Any, ...], *parts: Any) -> Ensemble:
    make, arguments = reduced
    compilation = make(*(Model, *arguments[1:])).compilation
    members, preprocessing, path = parts
    made = cls(compilation, members, preprocessing, path)
    made.preprocessing = preprocessing
    return made


def mean_margins(parts: Sequence[Mapping[str, tuple[float, ...]]]) -> dict[str, tuple[float, ...]]:
    """The mean of what several networks add to their intervals, by output."""
    first = parts[0] if parts else {}
    return {name: tuple(map(fmean, zip(*(part[name] for part in parts), strict=True))) for name in first}


def mean_outputs(parts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The mean of the outputs of several networks, in double precision on the way."""
    return {
        name: np.mean([np.asarray(part[name], np.float64) for part in parts], axis=0).astype(parts[0][name].dtype)
        for name in parts[0]
    }


def _converter(name: str, whole: Preprocessing, part: Preprocessing | None) -> Any:
    """From an input as the encoder of all examples makes it to that of an encoder which knows fewer categories."""
    if part is None or not isinstance(whole.encoder, RowEncoder) or not isinstance(part.encoder, RowEncoder):
        return _same
    if whole.encoder == part.encoder:
        return _same
    raw = whole.raw_names.get(name, name)
    ours, theirs = (encoder.feature_names().get(raw) for encoder in (whole.encoder, part.encoder))
    if ours is not None and theirs is not None:
        if ours == theirs:
            return _same
        positions = [ours.index(feature) for feature in theirs]
        return lambda x: np.asarray(x)[:, positions]
    columns = [dict(encoder.own_inputs()).get(raw) for encoder in (whole.encoder, part.encoder)]
    all_values, known = columns
    if all_values is None or known is None or all_values.kind == "image":
        return _same
    cells = ["\0", *(all_values.values or ()), *([""] if all_values.marks_missing else [])]
    ids = known.ids(cells)  # the first one is unknown to both
    return lambda x: ids[np.asarray(x)]


def _same(x: Any) -> Any:
    return x


def is_folds_run(path: Path) -> bool:
    """Whether a folder holds the runs of a cross-validation."""
    return is_file(path / FOLDS)


def load_models(path: Path) -> Model:
    """The model of a run with its best weights; of a cross-validation the ensemble of its finished folds.

    Raises:
        CompileError: there is no such run, it is damaged, or no fold is finished (NS604).
    """
    if not is_folds_run(path):
        return load_model(path)
    compilation, preprocessing = read_compilation(path), read_preprocessing(path)
    members = [load_model(fold) for fold in finished_folds(path)]
    return Ensemble(compilation, members, preprocessing, path)


def finished_folds(path: Path) -> list[Path]:
    """The runs of the folds of a cross-validation, all of which are finished.

    Raises:
        CompileError: one is not (NS604).
    """
    folders = [fold for fold in member_folders(path) if is_run(fold)]
    planned = read_run(path).json(FOLDS).get("folds", [])
    if (
        not isinstance(planned, list)
        or not folders
        or len(folders) != len(planned)
        or any(read_run(f).done is None for f in folders)
    ):
        raise fail(SeveralFolds(run=str(path), count=len(folders), first="fold-1", case="unfinished"))
    return folders
