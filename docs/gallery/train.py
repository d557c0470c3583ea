"""Train the networks of the exercises in the gallery, and save what their pictures need.

`python docs/gallery/train.py` takes about ten minutes, and needs MNIST. `python docs/gallery` then draws the pictures.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np

import netspec
from netspec.analysis.inside.inputs import split_inputs
from netspec.analysis.inside.plane import weights_over_epochs
from netspec.storage.weights import flat_weights, weights_of

HERE = Path(__file__).parent
SPECS = HERE.parents[1] / "specs"
FRAMES = 14
"""Frames of the film."""


def arrays() -> dict[str, Any]:
    """Everything that is saved, by name."""
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as runs:
        for name in ("xor", "courses/three_logistic_units", "sdsc_cnn", "sdsc_cnn_9x9"):
            model = netspec.train(SPECS / f"{name}.net", runs=runs, verbose=0).model
            weights = flat_weights(weights_of(model.module))
            own = {key: array for key, array in weights.items() if "sdsc" not in name or key.startswith("conv/")}
            found |= {f"{Path(name).name}/{key}": array for key, array in own.items()}
        digits = split_inputs(model, count=1).single
        found["digit"] = np.round(255 * digits[0]).astype(np.uint8)
        model = netspec.train(HERE / "moons.net", runs=runs, verbose=0).model
        history = weights_over_epochs(model, None)
        for number in np.linspace(0, len(history) - 1, FRAMES).round().astype(int).tolist():
            caption, weights = history[number]
            found |= {f"moons/{caption}/{key}": array for key, array in weights.items()}
        model = netspec.train(SPECS / "autoencoder.net", runs=runs, verbose=0).model
        inputs = split_inputs(model, count=10, is_spread=True).single.astype(np.float32)
        found["autoencoder/input"] = np.round(255 * inputs).astype(np.uint8)
        found["autoencoder/output"] = np.round(255 * np.asarray(model(inputs))).astype(np.uint8)
    return found


if __name__ == "__main__":
    np.savez_compressed(HERE / "exercises.npz", **arrays())
