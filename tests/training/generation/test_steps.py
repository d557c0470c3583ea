"""The logits of steps with a cache or a carried state are those of the whole network."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest

import netspec
from netspec.language.diagnostics import CompileError
from netspec.runs.generation.generator import Generator, Settings

VOCABULARY = 7
TRANSFORMER = """
use std.transformer (encoder_layer)
input text: 12 tokens(7)
share table = embedding(8)
text -> table -> posembed -> encoder_layer(2, 16, activation = gelu, causal = true, norm_first = true)
    -> layernorm -> unembed(table) -> softmax
"""
GROUPED = """
input 12 tokens(7, pad = 0)
embedding(8) -> sinusoidal -> identity + attention(4, kv_heads = 2, rope = true, causal = true) -> rmsnorm
    -> attention(2, causal = true) -> rope -> dense(7, softmax)
"""
LSTMS = "input 12 tokens(7)\nembedding(4) -> lstm(5) * 2 -> dropout(0.5) -> dense(7, softmax)"
MIXED = """
input 12 tokens(7, pad = 0)
embedding(4) -> (gru(5) | gru(3, reset_after = false) -> rnn(4)) -> concat -> batchnorm -> scale(2)
    -> dense(7, softmax)
"""
OPEN = "input T tokens(7)\nembedding(4) -> sinusoidal -> attention(2, causal = true) -> gru(4) -> dense(7, softmax)"


def whole(model: Any, *inputs: Any) -> Any:
    return np.asarray(jax.jit(lambda v: model.apply(v, *inputs, logits=True))(model.variables))


def raw(logits: Any, given: Any) -> Any:
    return logits


@pytest.mark.parametrize(
    "spec", [TRANSFORMER, GROUPED, LSTMS, MIXED, OPEN], ids=["gpt", "grouped", "lstm", "mixed", "open"]
)
def test_steps_equal_the_whole_network(spec: str) -> None:
    model = netspec.compile(spec)
    ids = np.random.default_rng(0).integers(0, VOCABULARY, (2, 12)).astype(np.int32)
    ids[:, 1], ids[0, 3] = 3, 0  # a padding id within the sequence
    generator = Generator(model)
    assert generator.ends.is_cached
    sequences = generator.begin({}, raw, 12)
    found = [sequences.feed(ids[:, :5], None)] + [sequences.feed(ids[:, i : i + 1], None) for i in range(5, 12)]
    np.testing.assert_allclose(np.stack(found, axis=1), whole(model, ids)[:, 4:], rtol=0, atol=1e-5)


def test_a_long_prompt_is_read_in_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.runs.generation.steps.CHUNK", 4)
    model = netspec.compile(GROUPED.replace("12", "10"))
    ids = np.random.default_rng(0).integers(1, VOCABULARY, (1, 10)).astype(np.int32)
    sequences = Generator(model).begin({}, raw, 10)
    found = [sequences.feed(ids[:, :9], None), sequences.feed(ids[:, 9:], None)]
    np.testing.assert_allclose(np.concatenate(found), whole(model, ids)[0, 8:], rtol=0, atol=1e-5)


PAIR = """
use std.transformer (decoder_layer)
input source: 6 tokens(9, pad = 0)
input target: 8 tokens(7)
memory = source -> embedding(8) -> sinusoidal -> identity + attention(2)
text = target -> embedding(8) -> posembed
mood = memory -> mean_pool -> dense(8)
text + mood -> decoder_layer(memory, 2, 16) -> dense(7, softmax)
"""


def test_an_encoder_is_read_once() -> None:
    model = netspec.compile(PAIR)
    rng = np.random.default_rng(0)
    source, target = np.array([[3, 5, 2, 0, 0, 0]], np.int32), rng.integers(0, 7, (1, 8)).astype(np.int32)
    generator = Generator(model)
    assert (generator.ends.target, generator.ends.sources, generator.ends.is_cached) == ("target", ("source",), True)
    prompt = generator.prompt([3, 5, 2], 1)
    np.testing.assert_array_equal(prompt.sources["source"], source)
    sequences = generator.begin(prompt.sources, raw, 8)
    found = [sequences.feed(target[:, i : i + 1], None)[0] for i in range(8)]
    np.testing.assert_allclose(found, whole(model, source, target)[0], rtol=0, atol=1e-5)


def test_greedy_is_the_argmax_of_the_whole_network() -> None:
    model = netspec.compile(TRANSFORMER)
    generator = Generator(model)
    settings = Settings(length=20, temperature=0)
    found = [*generator.generate(generator.prompt([1, 2, 3]), settings).steps()]
    compute = jax.jit(lambda v, x: model.apply(v, x, logits=True))
    text = [1, 2, 3]
    context = [*text]
    for _ in range(20):
        if len(context) > 12:
            context = text[-6:]
        filled = np.array([context + [0] * (12 - len(context))], np.int32)
        new = int(np.argmax(compute(model.variables, filled)[0, len(context) - 1]))
        text.append(new)
        context.append(new)
    assert found == text[3:]
    plain = Generator(model, is_cached=False)
    assert [*plain.generate(plain.prompt([1, 2, 3]), settings).steps()] == found


def test_layers_without_a_form_for_steps_compute_the_whole_sequence() -> None:
    spec = "input 8 tokens(7)\nembedding(4) -> pad([[2, 0]]) -> conv(6, 3, relu, pad = valid) -> dense(7, softmax)"
    model = netspec.compile(spec)
    generator = Generator(model)
    assert [warning.code for warning in generator.warnings] == ["NS617"]
    assert "pad" in generator.warnings[0].message
    found = [*generator.generate(generator.prompt([1, 2]), Settings(length=4, temperature=0)).steps()]
    ids = np.array([[1, 2, *found, 0, 0]], np.int32)
    assert found == whole(model, ids)[0].argmax(-1)[1:5].tolist()


@pytest.mark.parametrize(
    ("spec", "code", "text"),
    [
        ("input 8 tokens(7)\nembedding(4) -> attention(2) -> dense(7, softmax)", "NS616", "causal = true"),
        ("input 8 tokens(7)\nembedding(4) -> bidirectional(gru(2)) -> dense(7, softmax)", "NS616", "backward"),
        ("input 8 tokens(7)\nembedding(4) -> conv(6, 3, pad = same) -> dense(7, softmax)", "NS616", "later steps"),
        ("input 8 tokens(7)\nembedding(4) -> lstm(4, return = last) -> dense(7, softmax)", "NS615", "one prediction"),
        ("input 8 tokens(7)\nembedding(4) -> lstm(4) -> dense(7)", "NS615", "softmax"),
        ("input 8 tokens(7)\nembedding(4) -> lstm(4) -> dense(5, softmax)", "NS615", "8x5"),
        ("input 4\ndense(3, softmax)", "NS615", "no token ids"),
    ],
)
def test_networks_that_cannot_generate(spec: str, code: str, text: str) -> None:
    with pytest.raises(CompileError) as error:
        Generator(netspec.compile(spec))
    (found,) = error.value.diagnostics
    assert found.code == code and text in found.message
