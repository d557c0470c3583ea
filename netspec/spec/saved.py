"""From a run folder back to its spec, its preprocessing and its model.

Input: the path of a run. Output: the `Compilation` as it was run, or a `Model` with the best weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from netspec.data.dataset.dataset import Facts
from netspec.data.predict.preprocessing import Preprocessing
from netspec.language.record import Frozen
from netspec.language.source import Source
from netspec.language.values import to_source
from netspec.spec.canonical import recipe_of
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import with_overrides
from netspec.spec.model import Model
from netspec.spec.trained_data import trained_data
from netspec.storage.errors import damaged
from netspec.storage.published import spec_file
from netspec.storage.run_folder import read_run
from netspec.storage.weights import check_one_run, load_weights, put_weights, weights_file, weights_of


class _OutputRecord(Frozen):
    metrics: list[str] = []


class _TrainRecord(Frozen):
    outputs: dict[str, _OutputRecord] = {}


class _SettingsRecord(Frozen):
    """What is read of `settings.json`: the metrics of each output."""

    train: _TrainRecord


class SpecRecord(Frozen):
    """`spec.json`: where the spec of a run comes from, what was given with it, and what was known of its data."""

    name: str
    folder: str
    overrides: dict[str, str]
    input: str | None
    used: dict[str, str]
    facts: Facts | None
    given_from: str | None = None


def read_preprocessing(path: Path) -> Preprocessing:
    """How a run encodes its inputs and decodes its predictions.

    Raises:
        CompileError: there is no such run, or it is damaged.
    """
    record = read_run(path)
    found, facts = record.read("coding.json", Preprocessing), record.read("spec.json", SpecRecord).facts
    if facts is not None and (wrong := found.inconsistency(facts)) is not None:
        raise damaged(path / "coding.json", wrong)
    done = record.done or {}
    margins = {name: tuple(numbers) for name, numbers in done.get("margins", found.margins).items()}
    return found.replace(thresholds=done.get("thresholds", found.thresholds), margins=margins)


def load_model(path: Path) -> Model:
    """The model of a run, with its best weights; see `netspec.load`."""
    check_one_run(path)
    model = Model(read_compilation(path))
    put_weights(model.module, load_weights(path), str(path))
    model.preprocessing, model.trained_on = read_preprocessing(path), trained_data(path)
    return model


def as_trained(path: Path, spec: Compilation) -> Compilation:
    """A spec with the metrics that a run of it reports: where the spec names none, an older version had other defaults.

    Raises:
        CompileError: there is no such run, it is damaged, or the spec has errors.
    """
    outputs = read_run(path).read("settings.json", _SettingsRecord).train.outputs
    recipe = recipe_of(spec) if spec.train.metrics is None else None
    if recipe is None or outputs.keys() != recipe.outputs.keys():
        return spec
    before = {name: output.metrics for name, output in outputs.items()}
    if before == {name: output.describe()["metrics"] for name, output in recipe.outputs.items()}:
        return spec
    chains = {name: " -> ".join(map(_as_typed, metrics)) for name, metrics in before.items() if metrics}
    named = " -> ".join(f"of({to_source(name)}, {chain})" for name, chain in chains.items())
    metrics = named if len(before) > 1 else "".join(chains.values())
    return with_overrides(spec, {"train.metrics": metrics}, None) if metrics else spec


def _as_typed(metric: str) -> str:
    """A metric as a run describes it, with all options, without those that are not given: `accuracy(none)`."""
    name, _, options = metric.partition("(")
    given = [option for option in options.removesuffix(")").split(", ") if option.split(" = ")[-1] not in ("", "none")]
    return f"{name}({', '.join(given)})" if given else name


def inference_weights(compilation: Compilation, run: Path) -> bytes:
    """The weights of a run for the inference form of its network, as the content of a safetensors file.

    Raises:
        CompileError: there is no such run, it is damaged, or it is one of another network.
    """
    model = Model(compilation)
    put_weights(model.module, load_weights(read_run(run).path), str(run))
    return weights_file(weights_of(model.inference_module()))


def read_compilation(path: Path, overrides: Mapping[str, str] | None = None) -> Compilation:
    """The spec of a run, as it was trained.

    Raises:
        CompileError: there is no such run, or it is damaged.
    """
    record = read_run(path)
    spec = record.read("spec.json", SpecRecord)
    folder = _path(spec.folder, "folder", path)
    given_from = None
    if "data.source" not in (overrides or {}):
        given_from = folder if spec.given_from is None else _path(spec.given_from, "given_from", path)
    return Compilation(
        Source(f"{path}/{spec_file(path)}", record.text("spec.net"), folder / _path(f"{spec.name}.net", "name", path)),
        overrides={**spec.overrides, **(overrides or {})},
        input=spec.input,
        facts=spec.facts,
        used=spec.used,
        given_from=given_from,
    )


def _path(text: str, key: str, run: Path) -> Path:
    """A path in `spec.json`.

    Raises:
        CompileError: no path can have this text (NS475).
    """
    if "\0" in text:
        raise damaged(run / "spec.json", f"`{key}` has a character that no path has")
    return Path(text)
