"""Attention in modules of PyTorch: whatever its views do."""

from __future__ import annotations

from typing import Any

import pytest

import netspec
from netspec.language.diagnostics import CompileError

torch: Any = pytest.importorskip("torch")

from torch import nn  # noqa: E402  # it may not be installed
from torch.nn import functional as F  # noqa: E402

from tests.interchange.reading.torch import text_nets  # noqa: E402
from tests.interchange.reading.torch.checked import Of, imported  # noqa: E402


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("batch_first", [False, True])
def test_encoder_layers(*, norm_first: bool, batch_first: bool) -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=batch_first, norm_first=norm_first, activation="gelu")
    encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    turned = Of(lambda m, x: m.inner(x.transpose(0, 1)).transpose(0, 1), inner=encoder)
    text = imported(encoder if batch_first else turned, (6, 8)).text
    assert "attention(2" in text and "permute" not in text


def test_an_encoder_and_a_decoder() -> None:
    class Translation(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.transformer = nn.Transformer(8, 2, 1, 2, 16, batch_first=True)

        def forward(self, source: Any, target: Any) -> Any:
            mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
            return self.transformer(source, target, tgt_mask=mask)

    text = imported(Translation(), [(6, 8), (4, 8)]).text
    assert "causal = true" in text


def test_attention_with_weights_that_are_returned() -> None:
    found = imported(Of(lambda m, x: m.a(x, x, x)[0], a=nn.MultiheadAttention(8, 2, batch_first=True)), (6, 8))
    assert [layer.word for layer in found.model.layers] == ["attention"]


def test_attention_that_is_written_by_hand() -> None:
    """As in small language models: one product for queries, keys and values, a mask, a softmax."""

    def attend(m: Any, x: Any) -> Any:
        batch, steps, width = x.shape
        q, k, v = (y.view(batch, steps, 2, width // 2).transpose(1, 2) for y in m.qkv(x).split(width, dim=2))
        scores = (q @ k.transpose(-2, -1)) * (width // 2) ** -0.5
        scores = scores.masked_fill(torch.tril(torch.ones(steps, steps)) == 0, float("-inf"))
        y = (F.softmax(scores, dim=-1) @ v).transpose(1, 2).contiguous().view(batch, steps, width)
        return m.out(y)

    found = imported(Of(attend, qkv=nn.Linear(8, 24), out=nn.Linear(8, 8)), (6, 8))
    (layer,) = found.model.layers
    assert layer.word == "attention" and "causal = true" in found.text


def test_heads_that_are_mixed_up_are_not_taken_for_attention() -> None:
    def attend(m: Any, x: Any) -> Any:
        q = m.q(x).view(-1, 6, 2, 4).transpose(1, 2)
        wrong = m.q(x).view(-1, 2, 6, 4)
        return m.out(F.scaled_dot_product_attention(q, q, wrong).transpose(1, 2).flatten(2))

    with pytest.raises(CompileError, match="netspec has attention only"):
        netspec.import_model(Of(attend, q=nn.Linear(8, 8), out=nn.Linear(8, 8)), inputs=(6, 8))


def test_language_models() -> None:
    assert "attention(2, causal = true)" in imported(text_nets.Gpt(11, 6, 8, 2, 2), (6,)).text
    bert = imported(text_nets.Bert(10, 6, 8, 2, 16, 2), {"ids": (6,), "segments": torch.zeros(2, 6, dtype=torch.long)})
    assert "ids: 6 tokens(10, pad = 0)" in bert.text


def test_an_image_transformer() -> None:
    class Vit(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.patches = nn.Conv2d(3, 8, 4, 4)
            self.token = nn.Parameter(torch.zeros(1, 1, 8))
            self.positions = nn.Parameter(torch.zeros(1, 10, 8))
            self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)

        def forward(self, x: Any) -> Any:
            x = self.patches(x).flatten(2).transpose(1, 2)
            x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], dim=1) + self.positions
            return self.layer(x)[:, 0]

    text = imported(Vit(), (3, 12, 12)).text
    assert all(word in text for word in ("class_token", "posembed", "dropout = 0.1", "first"))
