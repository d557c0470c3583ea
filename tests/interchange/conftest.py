"""What tests of exports share: runs that are trained once, and the compiled programs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from flax import nnx

from netspec.runs.model import Model
from tests.compiled_programs import compiled_programs as compiled_programs

pytest.importorskip("onnxruntime")


def randomize(model: Model, seed: int = 0) -> Model:
    """Give every weight another value: biases of 0 and scales of 1 would hide mistakes."""
    rng = np.random.default_rng(seed)

    def drawn(path: Any, value: Any) -> Any:
        noise = rng.normal(size=value.shape).astype(np.float32)
        return np.abs(1 + 0.3 * noise) if path[-1] in ("var", "scale") else value + 0.3 * noise

    state = nnx.state(model.module, nnx.Not(nnx.RngState))
    flat = [(path, drawn(path, np.asarray(leaf.get_value()))) for path, leaf in nnx.to_flat_state(state)]
    for (_, value), (_, leaf) in zip(flat, nnx.to_flat_state(state), strict=True):
        leaf.set_value(value)
    nnx.update(model.module, state)
    return model
