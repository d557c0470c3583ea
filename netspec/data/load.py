"""From the section `data` to facts, and to loaded data: what the source says, told what is held out of it, with the
input as the target where that is asked for.

Comes in: settings and the folder of the spec. Goes out: `Facts` or a `Dataset`.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target
from netspec.data.dataset.from_arrays import dataset_of
from netspec.data.errors.sources import NoTarget, TargetIsInput, WrongLoad
from netspec.data.settings import DataSettings
from netspec.data.sources.streaming import open_stream
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape

_loaded: dict[tuple[Source, Path], Dataset] = {}
"""What was loaded for its facts, until somebody loads it: at most one."""


def facts_by_loading(source: Source, folder: Path) -> Facts:
    """The facts of a source that has no cheaper way to know them; loading it next costs nothing."""
    _loaded.clear()
    _loaded[(source, folder)] = dataset = _load(source, folder)
    return dataset.facts


def read_facts(settings: DataSettings, folder: Path) -> Facts:
    """What is known before loading; `settings` have a source.

    Raises:
        Unplaced: a file is missing or wrong, or there is no target.
    """
    assert settings.source is not None
    source = settings.source.under(settings.hold_out)
    facts = source.facts(folder)
    return settle_facts(facts if facts is not None else facts_by_loading(source, folder), settings, source.word)


def read_dataset(settings: DataSettings, folder: Path, device: int | None = None) -> Dataset:
    """The data of the source that the settings have: loaded, or as they are streamed. `device` is how many bytes a
    device with memory of its own has for them.

    Raises:
        Unplaced: a file is missing or wrong, a download failed, there is no target, or they cannot be streamed as the
            settings ask for (NS514).
    """
    assert settings.source is not None
    source = settings.source.under(settings.hold_out)
    kept = open_stream(source, folder, settings.stream, device) or _loaded.pop((source, folder), None)
    return settle_dataset(kept if kept is not None else _load(source, folder), settings)


def _load(source: Source, folder: Path) -> Dataset:
    value = source.load(folder)
    dataset = dataset_of(value, source.word)
    if dataset is None:
        found = f"a {type(value).__name__}" + (f" of {len(value)}" if isinstance(value, tuple) else "")
        raise Unplaced(WrongLoad, source=source.word, found=found)
    return dataset


# ---------------------------------------------------------------- the target


def settle_facts(facts: Facts, settings: DataSettings, name: str = "data") -> Facts:
    """The same facts, with the input as the target where the settings say so.

    Raises:
        Unplaced: there is no target, or no single input to take for one.
    """
    if settings.target is None:
        if not facts.targets:
            advice = "name the column to predict: `target = …` in the source"
            if settings.source is None or settings.source.word not in ("csv", "parquet"):
                advice = "put images into a folder for each class" if name == "images" else "give targets, too"
            advice += "\nfor an autoencoder write `target = input` in the section `data`"
            raise Unplaced(NoTarget, option="target", source=name, advice=advice)
        return facts
    if len(facts.inputs) != 1:
        raise Unplaced(TargetIsInput, count=len(facts.inputs), names=", ".join(facts.inputs))
    (shape,) = facts.inputs.values()
    return replace(facts, targets={"output": target_of_input(shape)})


def target_of_input(shape: Shape) -> Target:
    """The target of a net that gives its input back: an id at each step, or all numbers of an example."""
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
    if settings.target is None:
        return dataset
    test = give_back(dataset.test) if dataset.test is not None else None
    return replace(dataset, facts=facts, train=give_back(dataset.train), test=test)


def give_back(arrays: Arrays, output: str = "output") -> Arrays:
    """The same inputs, which are the targets as well."""
    (values,) = arrays.inputs.values()
    return Arrays(arrays.inputs, {output: values})
