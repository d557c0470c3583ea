"""From a run folder back to its spec, its preprocessing and its model.

Input: the path of a run. Output: the `Compilation` as it was run, or a `Model` with the best weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from netspec.data.dataset.dataset import Facts
from netspec.data.predict.preprocessing import Preprocessing
from netspec.language.source import Source
from netspec.language.values import to_source
from netspec.spec.canonical import recipe_of
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import with_overrides
from netspec.spec.model import Model
from netspec.storage.run_folder import read_run
from netspec.storage.weights import load_weights, put_weights, weights_file, weights_of


def read_preprocessing(path: Path) -> Preprocessing:
    """How a run encodes its inputs and decodes its predictions."""
    return msgspec.convert(read_run(path).json("coding.json"), Preprocessing)


def load_model(path: Path) -> Model:
    """The model of a run, with its best weights; see `netspec.load`."""
    model = Model(read_compilation(path))
    put_weights(model.module, load_weights(path), str(path))
    model.preprocessing = read_preprocessing(path)
    return model


def as_trained(path: Path, spec: Compilation) -> Compilation:
    """A spec with the metrics that a run of it reports: where the spec names none, an older version had other defaults.

    Raises:
        CompileError: there is no such run, it is damaged, or the spec has errors.
    """
    outputs = read_run(path).json("settings.json")["train"].get("outputs", {})
    recipe = recipe_of(spec) if spec.train.metrics is None else None
    if recipe is None or outputs.keys() != recipe.outputs.keys():
        return spec
    before = {name: output["metrics"] for name, output in outputs.items()}
    if before == {name: output.describe()["metrics"] for name, output in recipe.outputs.items()}:
        return spec
    chains = {name: " -> ".join(metrics) for name, metrics in before.items() if metrics}
    named = " -> ".join(f"of({to_source(name)}, {chain})" for name, chain in chains.items())
    metrics = named if len(before) > 1 else "".join(chains.values())
    return with_overrides(spec, {"train.metrics": metrics}, None) if metrics else spec


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
    spec = record.json("spec.json")
    given_from = None if "data.source" in (overrides or {}) else Path(spec.get("given_from", spec["folder"]))
    source = Source(f"{path}/spec.net", record.text("spec.net"), Path(spec["folder"]) / f"{spec['name']}.net")
    return Compilation(
        source,
        overrides={**spec["overrides"], **(overrides or {})},
        input=spec["input"],
        facts=msgspec.convert(spec["facts"], Facts),
        used=spec["used"],
        given_from=given_from,
    )
