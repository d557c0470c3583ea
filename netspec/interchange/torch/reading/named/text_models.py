"""BERT and GPT-2 of any size, by the names of transformers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from netspec.interchange.reading.alignment import LayerWeights
from netspec.interchange.torch.reading.named.recognized import Recognized
from netspec.interchange.torch.reading.named.state_dict import StateDict
from netspec.language.lazy import np

HEAD_SIZE = 64
"""The size of a head in all published sizes of BERT and GPT-2: files of weights alone do not have it."""
ACTIVATIONS = {
    "gelu": "gelu",
    "gelu_new": "gelu(approximate = true)",
    "gelu_pytorch_tanh": "gelu(approximate = true)",
    "relu": "relu",
    "silu": "silu",
    "swish": "silu",
}
"""Names of activations in a `config.json`."""

BERT = """
# BERT: Devlin et al. 2018, arXiv:1810.04805. Weights by the names of transformers.

use std.transformer (encoder_layer)

input ids: {steps} tokens({vocabulary}, pad = {pad})
input segments: {steps} tokens({segments})

embedded = (ids -> embedding({width}) | segments -> embedding({width})) -> add
    -> posembed -> layernorm(epsilon = {epsilon}) -> dropout(0.1)

sequence = embedded -> encoder_layer({heads}, {hidden}, activation = {activation}, epsilon = {epsilon}) * {layers}
{end}
"""
GPT = """
# GPT-2: Radford et al. 2019, Language models are unsupervised multitask learners. Weights by the names of transformers.

use std.transformer (encoder_layer)

input ids: {steps} tokens({vocabulary})

share table = embedding({width})

states = ids -> table -> posembed -> dropout(0.1)
    -> encoder_layer(
        {heads}, {hidden}, activation = {activation}, causal = true, norm_first = true, epsilon = {epsilon}
    ) * {layers}
    -> layernorm(epsilon = {epsilon})

{end}
"""


def _options(config: Mapping[str, Any], width: int, activation: str, epsilon: float) -> dict[str, Any]:
    """What is not to be seen from weights, from a `config.json` or by the usual values."""
    heads = config.get("num_attention_heads", config.get("n_head"))
    is_count = isinstance(heads, int) and not isinstance(heads, bool) and heads > 0
    name = config.get("hidden_act", config.get("activation_function"))
    given = config.get("layer_norm_eps", config.get("layer_norm_epsilon"))
    pad = config.get("pad_token_id")
    return {
        "heads": heads if is_count else max(width // HEAD_SIZE, 1),
        "activation": ACTIVATIONS.get(str(name), activation),
        "epsilon": f"{given if isinstance(given, float) and given > 0 else epsilon:g}",
        "pad": pad if isinstance(pad, int) and not isinstance(pad, bool) and pad >= 0 else 0,
    }


def bert(weights: StateDict, config: Mapping[str, Any]) -> Recognized | None:
    """BERT with or without its pooler, and a classifier after it."""
    weights = weights.without("bert.")
    word, position, segment = (
        weights.shape(f"embeddings.{name}_embeddings.weight") for name in ("word", "position", "token_type")
    )
    hidden = weights.shape("encoder.layer.0.intermediate.dense.weight")
    layers = weights.count("encoder.layer.*.attention.self.query.weight")
    if not (len(word) == len(position) == len(segment) == len(hidden) == 2 and layers):
        return None
    found = list(_bert(weights, layers))
    end = "\nsequence"
    if "pooler.dense.weight" in weights:
        found.append(weights.dense("pooler.dense"))
        end = f"pooled = sequence -> first -> dense({word[1]}, tanh)\n\npooled"
    if "classifier.weight" in weights:
        found.append(weights.dense("classifier"))
        classes = weights.shape("classifier.weight")[0]
        end += f" -> dropout(0.1) -> dense({classes}{', softmax' if classes > 1 else ''})"
    text = BERT.lstrip().format(
        steps=position[0],
        vocabulary=word[0],
        segments=segment[0],
        width=word[1],
        hidden=hidden[0],
        layers=layers,
        end=end,
        **_options(config, word[1], "gelu", 1e-12),
    )
    reason = "it is the head of the pretraining, or of another task"
    return Recognized("BERT", text, tuple(found), weights, {"cls.": reason, "qa_outputs.": reason})


def _bert(weights: StateDict, layers: int) -> Iterator[LayerWeights]:
    yield weights.table("embeddings.word_embeddings")
    yield weights.table("embeddings.token_type_embeddings")
    yield weights.table("embeddings.position_embeddings")
    yield weights.norm("embeddings.LayerNorm")
    for index in range(layers):
        place = f"encoder.layer.{index}"
        inner = [f"{place}.attention.{part}" for part in ("self.query", "self.key", "self.value", "output.dense")]
        yield weights.attention(f"{place}.attention", inner)
        yield weights.norm(f"{place}.attention.output.LayerNorm")
        yield weights.dense(f"{place}.intermediate.dense")
        yield weights.dense(f"{place}.output.dense")
        yield weights.norm(f"{place}.output.LayerNorm")


def gpt2(weights: StateDict, config: Mapping[str, Any]) -> Recognized | None:
    """GPT-2 with its tied output layer."""
    weights = weights.without("transformer.")
    word, position = weights.shape("wte.weight"), weights.shape("wpe.weight")
    hidden = weights.shape("h.0.mlp.c_fc.weight")
    layers = weights.count("h.*.attn.c_attn.weight")
    if not (len(word) == len(position) == len(hidden) == 2 and layers):
        return None
    found = list(_gpt2(weights, layers))
    left_out = {f"h.{index}.attn.{name}": "" for index in range(layers) for name in ("bias", "masked_bias")}
    end = "states -> unembed(table) -> softmax"
    head = weights.arrays.get("lm_head.weight")
    if head is None or np.array_equal(head, weights.arrays["wte.weight"]):
        left_out["lm_head.weight"] = ""
    else:
        found.append(weights.dense("lm_head"))
        end = f"states -> dense({len(head)}, softmax, bias = false)"
    text = GPT.lstrip().format(
        steps=position[0],
        vocabulary=word[0],
        width=word[1],
        hidden=hidden[1],
        layers=layers,
        end=end,
        **_options(config, word[1], "gelu(approximate = true)", 1e-5),
    )
    return Recognized("GPT-2", text, tuple(found), weights, left_out)


def _gpt2(weights: StateDict, layers: int) -> Iterator[LayerWeights]:
    yield weights.table("wte")
    yield weights.table("wpe")
    for index in range(layers):
        place = f"h.{index}"
        yield weights.norm(f"{place}.ln_1")
        yield _joined_attention(weights, f"{place}.attn")
        yield weights.norm(f"{place}.ln_2")
        yield weights.dense(f"{place}.mlp.c_fc", turned=False)
        yield weights.dense(f"{place}.mlp.c_proj", turned=False)
    yield weights.norm("ln_f")


def _joined_attention(weights: StateDict, name: str) -> LayerWeights:
    """Attention whose queries, keys and values come from one product, of inputs x outputs."""
    arrays: dict[str, Any] = {}
    joined = weights.dense(f"{name}.c_attn", turned=False).arrays
    for key, array in joined.items():
        parts = np.split(array, 3, axis=-1) if array.shape[-1] % 3 == 0 else [array] * 3
        arrays |= {f"{part}.{key}": a for part, a in zip(("query", "key", "value"), parts, strict=True)}
    arrays |= {f"out.{key}": array for key, array in weights.dense(f"{name}.c_proj", turned=False).arrays.items()}
    return LayerWeights(name, arrays)
