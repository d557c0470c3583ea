"""The layers of a transformer, written in the language (`use std.transformer`), against those of PyTorch."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import netspec

torch = pytest.importorskip("torch")

from tests.layers.numbers.test_attention import OTHER, TEXTS, Ours, close, data, quick_jit  # noqa: E402

pytestmark = pytest.mark.oracle

LIBRARY = "use std.transformer\n"

ENCODER = {"self_attn": "attention", "norm1": "layernorm", "norm2": "layernorm_2"}
DECODER = {
    "self_attn": "attention",
    "multihead_attn": "attention_2",
    "norm1": "layernorm",
    "norm2": "layernorm_2",
    "norm3": "layernorm_3",
}


def in_torch(weights: dict[str, Any], block: str, parts: dict[str, str]) -> dict[str, np.ndarray]:
    """The weights of a layer, or their gradients, by the names that PyTorch has for them."""
    ours = {n.removeprefix(f"{block}."): np.asarray(w) for n, w in weights.items() if n.startswith(f"{block}.")}
    found = {}
    for theirs, name in parts.items():
        if theirs.startswith("norm"):
            found[f"{theirs}.weight"] = ours.pop(f"{name}.scale")
            found[f"{theirs}.bias"] = ours.pop(f"{name}.bias")
            continue
        projections = [f"{name}.{part}" for part in ("query", "key", "value")]
        found[f"{theirs}.in_proj_weight"] = np.concatenate([ours.pop(f"{p}.kernel").T for p in projections])
        found[f"{theirs}.in_proj_bias"] = np.concatenate([ours.pop(f"{p}.bias") for p in projections])
        found[f"{theirs}.out_proj.weight"] = ours.pop(f"{name}.out.kernel").T
        found[f"{theirs}.out_proj.bias"] = ours.pop(f"{name}.out.bias")
    for theirs, name in (("linear1", "feed_forward.dense"), ("linear2", "feed_forward.dense_2")):
        found[f"{theirs}.weight"] = ours.pop(f"{name}.kernel").T
        found[f"{theirs}.bias"] = ours.pop(f"{name}.bias")
    assert not ours
    return found


class Theirs:
    """A layer of PyTorch outside training, with our weights."""

    def __init__(self, layer: Any, ours: Ours, block: str, parts: dict[str, str]) -> None:
        self.layer, self.ours, self.block, self.parts = layer.eval(), ours, block, parts
        weights = {n: torch.tensor(w.copy()) for n, w in in_torch(ours.params, block, parts).items()}
        layer.load_state_dict(weights, strict=True)

    def check_gradients(self) -> None:
        gradients = in_torch(self.ours.gradients, self.block, self.parts)
        for name, parameter in self.layer.named_parameters():
            close(gradients[name], parameter.grad, name)


def hidden_later(steps: int) -> Any:
    return torch.triu(torch.ones(steps, steps, dtype=torch.bool), 1)


@pytest.mark.parametrize(
    ("norm_first", "causal", "activation"), [(False, False, "relu"), (True, True, "gelu"), (True, False, "relu")]
)
def test_encoder_layer(norm_first: bool, causal: bool, activation: str) -> None:
    x = data(3, 5, 8)
    flags = f"norm_first = {str(norm_first).lower()}, causal = {str(causal).lower()}"
    ours = Ours(f"{LIBRARY}input 5x8\nencoder_layer(2, 12, {flags}, activation = {activation}, epsilon = 1e-3)", x)
    same = {"activation": activation, "norm_first": norm_first, "layer_norm_eps": 1e-3}
    layer = torch.nn.TransformerEncoderLayer(8, 2, 12, batch_first=True, **same)
    assert ours.model.cost.trainable == sum(p.numel() for p in layer.parameters())
    theirs = Theirs(layer, ours, "encoder_layer", ENCODER)
    inputs = torch.tensor(x, requires_grad=True)
    y = layer(inputs, src_mask=hidden_later(5) if causal else None)
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y, y)
    close(ours.input_gradients[0], inputs.grad, "input gradient")
    theirs.check_gradients()


@pytest.mark.parametrize("norm_first", [False, True])
def test_decoder_layer(norm_first: bool) -> None:
    x, m = data(3, 5, 8), data(3, 7, 8, seed=1)
    net = f"decoder_layer(b, 2, 12, norm_first = {str(norm_first).lower()}, epsilon = 1e-3)"
    ours = Ours(f"{LIBRARY}input a: 5x8\ninput b: 7x8\na -> {net}", x, m)
    layer = torch.nn.TransformerDecoderLayer(8, 2, 12, norm_first=norm_first, layer_norm_eps=1e-3, batch_first=True)
    assert ours.model.cost.trainable == sum(p.numel() for p in layer.parameters())
    theirs = Theirs(layer, ours, "decoder_layer", DECODER)
    inputs, memory = torch.tensor(x, requires_grad=True), torch.tensor(m, requires_grad=True)
    y = layer(inputs, memory, tgt_mask=hidden_later(5))
    (y * torch.tensor(ours.weighting)).sum().backward()
    close(ours.y, y)
    close(ours.input_gradients[0], inputs.grad, "input gradient")
    close(ours.input_gradients[1], memory.grad, "memory gradient")
    theirs.check_gradients()


TRANSLATION = f"""{LIBRARY}
input source: 6 tokens(11, pad = 0)
input target: 4 tokens(11, pad = 0)
memory = source -> embedding(8) -> encoder_layer(2, 12) * 2
target -> embedding(8) -> decoder_layer(memory, 4, 10, norm_first = true) * 2
"""


ONE_OF_EACH = TRANSLATION.replace(" * 2", "")


def test_encoder_and_decoder_with_padding() -> None:
    """Layers above each other, each text with padding of its own, which must reach all of them."""
    weighting = data(3, 4, 8, seed=7) * (OTHER > 0)[..., None]
    ours = Ours(TRANSLATION, TEXTS, OTHER, weighting=weighting)
    source, target = torch.tensor(TEXTS), torch.tensor(OTHER)
    m = torch.nn.functional.embedding(source, ours.theirs["embedding.embedding"])
    x = torch.nn.functional.embedding(target, ours.theirs["embedding_2.embedding"])
    layers = []
    for block in ("encoder_layer", "encoder_layer_2"):
        encoder = torch.nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        layers.append(Theirs(encoder, ours, block, ENCODER))
        m = encoder(m, src_key_padding_mask=source == 0)
    for block in ("decoder_layer", "decoder_layer_2"):
        decoder = torch.nn.TransformerDecoderLayer(8, 4, 10, norm_first=True, batch_first=True)
        layers.append(Theirs(decoder, ours, block, DECODER))
        masks = {"tgt_key_padding_mask": target == 0, "memory_key_padding_mask": source == 0}
        x = decoder(x, m, tgt_mask=hidden_later(4), **masks)
    (x * torch.tensor(weighting)).sum().backward()
    close(ours.y, x)
    for theirs in layers:
        theirs.check_gradients()
    for name in ("embedding.embedding", "embedding_2.embedding"):
        close(ours.gradients[name], ours.theirs[name].grad, name)
        assert not np.asarray(ours.gradients[name])[0].any()


def test_dropout_is_on_in_training_and_everything_learns() -> None:
    model = netspec.compile(ONE_OF_EACH)
    variables = quick_jit(model.init)(jax.random.key(0))

    def loss(params: Any) -> Any:
        y, _ = model.apply({**variables, "params": params}, TEXTS, OTHER, train=True)
        return (y * data(3, 4, 8)).sum(), y

    gradients, y = quick_jit(jax.grad(loss, has_aux=True))(variables["params"])
    assert not np.allclose(y, quick_jit(model.apply)(variables, TEXTS, OTHER))
    for path, gradient in jax.tree_util.tree_leaves_with_path(gradients):
        name = jax.tree_util.keystr(path)
        shifts_all_scores = "'key'" in name and "'bias'" in name  # which the softmax takes away
        assert shifts_all_scores or bool((gradient != 0).any()), name


def test_a_decoder_generates_from_left_to_right() -> None:
    """What a step gives depends on no later id, whatever stands there."""
    model = netspec.compile(ONE_OF_EACH)
    variables = quick_jit(model.init)(jax.random.key(0))
    forward = quick_jit(lambda target: model.apply(variables, TEXTS, target))
    full = np.array([[1, 2, 3, 4]] * 3, np.int32)
    for step in range(1, 4):
        close(forward(np.where(np.arange(4) < step, full, 9))[:, :step], forward(full)[:, :step])


def test_every_option_compiles_without_a_warning() -> None:
    for options in ("", ", norm_first = true", ", 0.2, causal = true, activation = silu"):
        problems = list(netspec.check(f"{LIBRARY}input 5x8\nencoder_layer(2, 16{options}) -> gap -> dense(2)"))
        assert not problems, problems
