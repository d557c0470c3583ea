"""Keras models that tests of imports build and save."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.interchange.imports import Imported, import_model

os.environ.setdefault("KERAS_BACKEND", "jax")
keras: Any = pytest.importorskip("keras")
h5py: Any = pytest.importorskip("h5py")
layers = keras.layers

Build = Callable[[Any], Any]


def randomized(model: Any, seed: int = 0) -> Any:
    """The model with other values for what is not random yet: biases of 0 and statistics of 0 and 1 hide mistakes."""
    rng = np.random.default_rng(seed)
    for variable in model.variables:
        if "seed" in variable.path or not variable.shape or np.ptp(np.asarray(variable)):
            continue
        noise = 0.3 * rng.normal(size=variable.shape)
        is_positive = any(word in variable.path for word in ("variance", "gamma"))
        variable.assign(np.abs(1 + noise) if is_positive else noise)
    return model


def imported(model: Any, folder: Path, ending: str = ".keras") -> Imported:
    """What is imported from the file of a model with random weights, after it was verified with Keras."""
    path = folder / f"net{ending}"
    randomized(model).save(path)
    found = import_model(path)
    assert found.verification is not None and found.verification.difference < 2e-5
    return found


def several(shape: tuple[int | None, ...], *chains: Build, **more: Any) -> Any:
    """A model with an output for each chain, all from one input."""
    source = keras.Input(shape, name="x", **more)
    return keras.Model(source, [chain(source) for chain in chains])


def keras_2(*layers_: dict[str, Any]) -> dict[str, Any]:
    """A functional model as Keras 2 wrote it, with its layers in a chain."""
    first = {
        "class_name": "InputLayer",
        "name": "input_1",
        "config": {"batch_input_shape": [None, 6, 6, 2], "dtype": "float32", "sparse": False, "name": "input_1"},
        "inbound_nodes": [],
    }
    chain = [first]
    for made in layers_:
        config = {**made["config"], "name": made["name"]}
        chain.append({**made, "config": config, "inbound_nodes": [[[chain[-1]["name"], 0, 0, {}]]]})
    ends = {"input_layers": [["input_1", 0, 0]], "output_layers": [[chain[-1]["name"], 0, 0]]}
    config = {"name": "model_1", "layers": chain, **ends}
    return {"class_name": "Model", "config": config, "keras_version": "2.2.4", "backend": "tensorflow"}


def saved(model: Any, folder: Path, ending: str = ".keras") -> Path:
    model.save(folder / f"net{ending}")
    return folder / f"net{ending}"
