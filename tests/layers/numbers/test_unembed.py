"""Tied output layers, against PyTorch: one table whose gradient is the sum of both of its uses."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import netspec

torch = pytest.importorskip("torch")

SPECS = {
    "plain": "share table = embedding(6)\ntable -> dense(6, tanh) -> unembed(table)",
    "in a block": "share table = embedding(6)\ndef net = table -> dense(6, tanh) -> unembed(table)\nnet",
    "after gap": "share table = embedding(6)\ntable -> dense(6, tanh) -> gap -> unembed(table)",
}


@pytest.mark.parametrize("name", SPECS)
def test_tied_output(name: str) -> None:
    model = netspec.compile(f"input text: 5 tokens(11)\n{SPECS[name]}")
    ids = np.random.default_rng(0).integers(0, 11, (3, 5)).astype(np.int32)
    graph, state = nnx.split(model.module)
    weights = dict(nnx.to_flat_state(state))
    assert sum(w.size for w in weights.values()) == 11 * 6 + 6 * 6 + 6

    def loss(state):
        return jnp.sum(nnx.merge(graph, state)(ids) ** 2)

    gradient = {path[-1]: g[...] for path, g in nnx.to_flat_state(jax.grad(loss)(state))}
    ours = {path[-1]: torch.tensor(np.asarray(w[...])).requires_grad_() for path, w in weights.items()}
    x = torch.tanh(
        torch.nn.functional.embedding(torch.tensor(ids).long(), ours["embedding"]) @ ours["kernel"] + ours["bias"]
    )
    y = (x.mean(dim=1) if name == "after gap" else x) @ ours["embedding"].T
    np.testing.assert_allclose(model(ids), y.detach(), rtol=1e-5, atol=1e-6)
    (y**2).sum().backward()
    for key, value in ours.items():
        np.testing.assert_allclose(gradient[key], value.grad, rtol=1e-4, atol=1e-5)
