"""What is saved with the weights of a run: how raw inputs become those of the network, and how outputs get their names.

Input: the splits that were trained on. Output: `Preprocessing`, which is plain data in the run folder.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import inf

from netspec.data.dataset.dataset import Facts
from netspec.data.dataset.lazy_rows import Column, Rows
from netspec.data.errors.prediction import OtherPreprocessing
from netspec.data.splits.split import Splits
from netspec.data.transforms.encoders import Encoder, RowEncoder
from netspec.data.transforms.normalization import Normalization
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.language.diagnostics import fail
from netspec.language.lazy import np
from netspec.language.record import Frozen


class Preprocessing(Frozen, rename={"normalization": "normalisation"}):  # as run folders have it
    """How a run encodes its inputs and decodes its outputs.

    `normalization` has the statistics that inputs are filled and scaled with, `columns` the names of their features,
    `ranges` the smallest and the largest number of the training set, `class_names` the names of the classes of an
    output. `encoder` turns rows, images or text into inputs; `raw_names` are the names it gives to the inputs of the
    network. `outputs` has the scales of outputs that predict a normalized input or a normalized target, which are
    converted back. `ragged` names the inputs whose series have different lengths.
    `thresholds` are the probabilities above which yes/no outputs predict yes, where they are known; `margins` are added
    on both sides to the intervals of an output, for each target.
    """

    normalization: Mapping[str, Normalization] = {}
    columns: Mapping[str, tuple[str, ...]] = {}
    ranges: Mapping[str, tuple[float, float]] = {}
    class_names: Mapping[str, tuple[str, ...]] = {}
    encoder: Encoder | None = None
    raw_names: Mapping[str, str] = {}
    outputs: Mapping[str, Normalization] = {}
    thresholds: Mapping[str, float] = {}
    margins: Mapping[str, tuple[float, ...]] = {}
    ragged: tuple[str, ...] = ()

    @classmethod
    def of(cls, splits: Splits) -> Preprocessing:
        dataset = splits.dataset
        learned_from = dataset.train.take(splits.train_index) if splits.is_fold else dataset.train
        return cls(
            splits.normalization,
            dataset.columns,
            {name: _range(array) for name, array in learned_from.inputs.items()},
            {name: t.names for name, t in splits.facts.targets.items() if t.names is not None},
            dataset.encoder,
            dataset.raw_names,
            {**splits.own_targets, **splits.target_scaling},
            ragged=splits.facts.ragged,
        )

    def inconsistency(self, facts: Facts) -> str | None:
        """What does not fit the data that it was saved with, or None; for one that was read from a file."""
        for name, scale in (*self.normalization.items(), *self.outputs.items()):
            counts = {len(numbers) for numbers in (scale.mean, scale.std, scale.fill) if numbers is not None}
            sizes = facts.inputs[name].sizes[-1:] if name in facts.inputs else ()
            if len(counts) > 1 or (counts - {1} - {size for size in sizes if isinstance(size, int)} and sizes):
                return f"the statistics of `{name}` do not fit its features"
            if scale.std is not None and not all(0 < number < inf for number in scale.std):
                return f"the standard deviations of `{name}` are not above 0"
        for name, names in self.class_names.items():
            classes = facts.targets[name].classes if name in facts.targets else None
            if classes is not None and classes != len(names):
                return f"`class_names` has {len(names)} names for the {classes} classes of `{name}`"
        if isinstance(self.encoder, SoundEncoder) and (problem := self.encoder.problem()):
            return problem
        return self._unread_input(facts) if isinstance(self.encoder, RowEncoder) else None

    def _unread_input(self, facts: Facts) -> str | None:
        """An input that takes nothing from the columns, cells that cannot be told apart, or images of which nothing is
        known."""
        assert isinstance(self.encoder, RowEncoder)
        own = self.encoder.own_inputs()
        given = {*self.encoder.groups, *(name for name, _ in own)}
        for name in facts.inputs:
            if self.raw_names.get(name) not in given:
                return f"`raw_names` does not say which columns `{name}` is read from"
        if any(len(sign) != 1 for sign in (self.encoder.delimiter, self.encoder.form.delimiter)):
            return "`delimiter` is not one character"
        for name, column in own:
            if column.kind == "image" and column.name not in self.encoder.images:
                return f"`images` does not say what the images of `{name}` are like"
            if column.kind == "text" and column.name not in self.encoder.texts:
                return f"`texts` does not say how the texts of `{name}` are split"
        for coder in self.encoder.texts.values():
            if problem := coder.problem():
                return problem
        return None


def check_preprocessing(ours: Preprocessing, of_run: Preprocessing) -> None:
    """Raises CompileError unless data are encoded as those of a run were: the same classes, categories and words."""
    for name, names in of_run.class_names.items():
        _check_same("classes", ours.class_names.get(name, names), names)
    if ours.encoder is None and of_run.encoder is None:
        for name, names in of_run.columns.items():
            _check_same("features", ours.columns.get(name, names), names)
    if isinstance(ours.encoder, RowEncoder) and isinstance(of_run.encoder, RowEncoder):
        columns, columns_of_run = ours.encoder.columns, of_run.encoder.columns
        _check_same("features", *([column.name for column in part] for part in (columns, columns_of_run)))
        for column, column_of_run in zip(columns, columns_of_run, strict=True):
            values = [part.values or ("numbers",) for part in (column, column_of_run)]
            _check_same(f"values of `{column.name}`", *values)
        for name, coder in of_run.encoder.texts.items():
            _check_same(f"words of `{name}`", ours.encoder.texts[name].vocabulary, coder.vocabulary)


def _check_same(what: str, found: Sequence[str], expected: Sequence[str]) -> None:
    if found != expected:
        shown = [", ".join(n[:8]) + (f", … ({len(n)})" if len(n) > 8 else "") for n in (found, expected)]
        raise fail(OtherPreprocessing(what=what, found=shown[0], expected=shown[1]))


def _range(array: Column) -> tuple[float, float]:
    """The smallest and the largest number before normalizing; missing ones do not count."""
    if isinstance(array, Rows):
        return array.bounds or (float(array.min_max[0].min()), float(array.min_max[1].max()))
    return float(np.nanmin(array)), float(np.nanmax(array))
