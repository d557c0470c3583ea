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
from netspec.spec.compilation import Compilation
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
