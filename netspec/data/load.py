"""From the section `data` to facts, and to loaded data: those of the source, with the input as the target if need be.

Input: settings and the folder of the spec. Output: `Facts` or a `Dataset`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from netspec.data.dataset.dataset import Dataset, Facts, Source, Target, TrainRows, input_as_target
from netspec.data.dataset.from_arrays import dataset_of
from netspec.data.dataset.lazy_rows import Column
from netspec.data.errors.sources import NoTarget, TargetIsInput, WrongLoad
from netspec.data.settings import DataSettings
from netspec.data.sources.streaming import open_stream
from netspec.data.splits.split import draw_examples
from netspec.data.transforms.class_ids import settle_class_ids, settle_labels
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape

_loaded: dict[tuple[Source, Path], Dataset] = {}
"""What was loaded for its facts, until it is read: at most one."""


def facts_by_loading(source: Source, folder: Path) -> Facts:
    """The facts of a source that has no cheaper way to know them; loading it next costs nothing."""
    _loaded.clear()
    _loaded[(source, folder)] = dataset = _load(source, folder)
    return dataset.facts


def learned_source(settings: DataSettings, folder: Path) -> Source:
    """The source of the settings, which knows what is held out of it, and what it learns from the training split alone.

    Raises:
        Unplaced: a file is missing or wrong, or the examples cannot be split.
    """
    assert settings.source is not None
    source = settings.source.under(settings.hold_out)
    labeled = source.labeled(folder)
    if labeled is None:
        return source
    if settings.target is None:
        labeled = settle_dataset(labeled, settings)
    else:
        labeled = replace(labeled, facts=labeled.facts.replace(targets={}))
    return source.learning_texts_from(TrainRows.of(draw_examples(labeled, settings)[2]))


def read_facts(settings: DataSettings, folder: Path) -> Facts:
    """What is known before loading; `settings` have a source.

    Raises:
        Unplaced: a file is missing or wrong, or there is no target.
    """
    assert settings.source is not None
    source = learned_source(settings, folder)
    facts = source.facts(folder)
    return settle_facts(facts if facts is not None else facts_by_loading(source, folder), settings, source.word)


def read_dataset(settings: DataSettings, folder: Path, device: int | None = None) -> Dataset:
    """The data of the source in the settings, loaded or streamed. `device` is how many bytes a device with its own
    memory has for them.

    Raises:
        Unplaced: a file is missing or wrong, a download failed, there is no target, or they cannot be streamed although
            the settings ask for it (NS514).
    """
    assert settings.source is not None
    source = learned_source(settings, folder)
    dataset = open_stream(source, folder, settings.stream, device) or _loaded.pop((source, folder), None)
    return settle_dataset(dataset if dataset is not None else _load(source, folder), settings)


def is_loaded(settings: DataSettings, folder: Path) -> bool:
    """Whether the data of the source in the settings were loaded for their facts."""
    return settings.source is not None and (learned_source(settings, folder), folder) in _loaded


def _load(source: Source, folder: Path) -> Dataset:
    value = source.load(folder)
    dataset = dataset_of(value, source.word)
    if dataset is None:
        found = f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, tuple) else "")
        raise Unplaced(WrongLoad, source=source.word, found=found)
    return dataset


def settle_facts(facts: Facts, settings: DataSettings, name: str = "data") -> Facts:
    """The same facts, with the input as the target where the settings say so.

    Raises:
        Unplaced: there is no target, or no single input to take for one.
    """
    if settings.target is None:
        if not facts.targets:
            is_table = settings.source is not None and settings.source.word in ("csv", "parquet")
            by_name = {"images": "images", "sounds": "sounds", "data": "python"}
            case = "table" if is_table else by_name.get(name, "")
            raise Unplaced(NoTarget, option="target", source=name, case=case)
        return settle_class_ids(facts, settings.class_ids)
    if len(facts.inputs) != 1:
        raise Unplaced(TargetIsInput, count=len(facts.inputs), names=", ".join(facts.inputs))
    (shape,) = facts.inputs.values()
    return facts.replace(targets={"output": target_of_input(shape)})


def target_of_input(shape: Shape) -> Target:
    """The target of a network that reconstructs its input: an id at each step, or all numbers of an example."""
    size = shape.count if isinstance(shape.count, int) else 1
    if shape.is_tokens:
        return Target("class", size, shape.vocabulary if isinstance(shape.vocabulary, int) else None)
    return Target("numbers", size)


def settle_dataset(dataset: Dataset, settings: DataSettings) -> Dataset:
    """The same data, with the input as the target where the settings say so; nothing is copied.

    Raises:
        Unplaced: there is no target, or no single input to take for one.
    """
    facts = settle_facts(dataset.facts, settings, dataset.name)
    if settings.target is not None:
        return dataset.with_arrays(input_as_target, facts=facts)
    if facts is dataset.facts and not any(_is_wide(array) for array in dataset.train.targets.values()):
        return dataset
    parts = (("", dataset.train), ("test", dataset.test))
    train, test = (
        settle_labels(part, dataset.facts, facts, f"{dataset.name} {name}".strip()) if part is not None else None
        for name, part in parts
    )
    assert train is not None
    return replace(dataset, train=train, test=test, facts=facts)


def _is_wide(labels: Column) -> bool:
    """Whether labels are integers of another type than class ids have."""
    return labels.dtype.kind in "iu" and labels.dtype.name != "int32"
