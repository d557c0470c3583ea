"""Attention weights are those of PyTorch on the same projections."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.analysis.inside.attention import attention_weights
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.transforms.encoders import TextEncoder

PADDED = "input 7 tokens(9, pad = 0)\nembedding(6) -> attention(3) -> mean_pool -> dense(2, softmax)"


def of_torch(torch: Any, layer: Any, x: np.ndarray, heads: int, **masks: Any) -> np.ndarray:
    """The weights of each head, from the kernels and biases of a layer of Flax."""
    names, size = ("query", "key", "value"), x.shape[-1]
    kernels = [torch.tensor(np.asarray(getattr(layer, name).kernel[...])).T for name in names]
    biases = [torch.tensor(np.asarray(getattr(layer, name).bias[...])) for name in names]
    steps = torch.tensor(x)[:, None]
    _, weights = torch.nn.functional.multi_head_attention_forward(
        steps, steps, steps, size, heads, torch.cat(kernels), torch.cat(biases), None, None, False, 0.0,
        torch.eye(size), torch.zeros(size), training=False, need_weights=True, average_attn_weights=False, **masks,
    )  # fmt: skip
    return np.asarray(weights[0])


@pytest.mark.parametrize("causal", [False, True])
def test_weights_of_heads(torch: Any, causal: bool) -> None:
    model = netspec.compile(f"input 5x6\nattention(2, causal = {str(causal).lower()})", seed=1)
    x = np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32)
    found = attention_weights(model, "attention", x[None])
    mask = torch.triu(torch.ones(5, 5, dtype=torch.bool), diagonal=1) if causal else None
    np.testing.assert_allclose(
        found.values, of_torch(torch, model.module.attention, x, 2, attn_mask=mask), rtol=1e-5, atol=1e-6
    )
    np.testing.assert_allclose(found.values.sum(axis=-1), 1, rtol=1e-6)
    assert found.values.shape == (2, 5, 5) and found.is_real is None


def test_padding_has_no_weight(torch: Any) -> None:
    model = netspec.compile(PADDED, seed=2)
    ids = np.array([[3, 1, 4, 1, 0, 0, 0]])
    found = attention_weights(model, "attention", ids)
    steps = np.asarray(model.module.embedding(ids))[0]
    mask = torch.tensor(ids == 0)
    wanted = of_torch(torch, model.module.attention, steps, 3, key_padding_mask=mask)
    np.testing.assert_allclose(found.values, wanted, rtol=1e-5, atol=1e-6)
    assert found.values[:, :, 4:].max() == 0
    title = netspec.look(model).attention(ids).svg
    assert "4 of 7 steps, the others are padding" in title and title.count("<image") == 3 + 1  # and the scale
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", title)
    numbers = [float(text) for text in texts if re.fullmatch(r"\d\.\d\d", text)]
    np.testing.assert_allclose(numbers, wanted[:, :4, :4].ravel(), atol=0.006)


def test_a_head_of_keys_is_shared_by_heads_of_queries() -> None:
    model = netspec.compile("input 4x8\nattention(4, kv_heads = 2)", seed=3)
    x = np.random.default_rng(1).normal(size=(1, 4, 8)).astype(np.float32)
    layer = model.module.attention
    query = np.asarray(layer.query(x))[0].reshape(4, 4, 2)
    key = np.repeat(np.asarray(layer.key(x))[0].reshape(4, 2, 2), 2, axis=1)
    scores = np.einsum("thc,shc->hts", query, key) / np.sqrt(2)
    wanted = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(attention_weights(model, "attention", x).values, wanted, rtol=1e-5)


def test_tokens_are_written_beside_the_weights() -> None:
    model = netspec.compile("input 8 tokens(5)\nembedding(4) -> attention(2, causal = true) -> dense(5, softmax)")
    model.preprocessing = Preprocessing(encoder=TextEncoder("char", 8, ("?", "a", "b", " ", "\n")))
    svg = netspec.look(model).attention("ab a").svg
    texts = re.findall(r"<text[^>]*>([^<]*)</text>", svg)
    hatches = svg.count('class="ray" d="M') - 3  # without the edges of both heads and the scale
    assert hatches == 2 * 6  # the cells above the diagonals
    # of two heads, both sides
    assert [text for text in texts if text in ("a", "b", "␣")] == 2 * 2 * ["a", "b", "␣", "a"]
    with pytest.raises(ValueError, match=r"no `atention` among the attention layers, did you mean `attention`\?"):
        netspec.look(model).attention("ab", "atention")
    with pytest.raises(ValueError, match="no attention layers"):
        netspec.look(netspec.compile("input 2\ndense(1)")).attention([[0.0, 1.0]])
