"""Shared layers hold one set of weights, wherever they are used."""

from __future__ import annotations

import pytest

from netspec.compiler.ir.cost import rows, total_cost
from tests.compiler.backend.live import abstract, compiled, outputs, parameter_count

CASES = {
    "twice": ("input 4\nshare s = dense(4)\ns -> relu -> s", 20),
    "two towers": ("input a: 4\ninput b: 4\nshare t = dense(3, relu) -> dense(2)\n(a -> t | b -> t) -> concat", 23),
    "inside a block": ("input 4\nshare s = dense(4)\ndef f = dense(4) -> s\nf -> f -> s", 60),
    "inside a block only": ("input 4\nshare s = dense(4)\ndef f = s -> relu\nf -> f", 20),
    "two blocks deep": ("input 4\nshare s = dense(4)\ndef f = s -> dense(4)\ndef g = f -> f\ng -> g", 20 + 4 * 20),
    "of another": ("input 4\nshare a = dense(4)\nshare b = a -> relu -> dense(4)\nb -> a -> b", 40),
    "of another, used first": ("input 4\nshare a = dense(4)\nshare b = dense(4) -> a\nb -> b", 40),
    "each block its own": ("input 4\ndef f { share s = dense(4)\n s -> s }\nf -> f", 40),
    "of another width each": (
        "input 4\ndef g(l) = l -> relu\ndef f(n) { share s = dense(n)\n g(s) -> g(s) }\nf(4) -> dense(8) -> f(8)",
        20 + 40 + 72,
    ),
    "as an argument": (
        "input 4\nshare s = dense(4)\nshare t = dense(4)\ndef f(a, b) = a -> b -> a\n"
        "def g(a, b) = a -> b -> b\nf(s, t) -> f(t, s) -> g(s, s)",
        40,
    ),
    "name taken in the block": (
        "input 4\nshare dense_2 = dense(4)\ndef f = dense(8) -> dense(4) -> dense_2\nf -> dense_2 -> f",
        20 + 2 * 76,
    ),
    "name taken by its own": (
        "input 4\nshare s = dense(4)\ndef f(l) { share s = dense(4)\n l -> s }\nf(s) -> f(s)",
        60,
    ),
    "tied embedding": (
        "input a: 5 tokens(9)\ninput b: 5 tokens(9)\nshare e = embedding(3)\n(a -> e | b -> e) -> add",
        27,
    ),
    "other sizes": (
        "input a: 8x8x2\ninput b: 5x7x2\nshare t = conv(3, 3x3) -> maxpool(3, stride = 2, ceil = true)"
        " -> gap\n(a -> t | b -> t) -> concat",
        57,
    ),
    "with a head": ("input 4\nshare s = dense(4, softmax)\ndef f = s\nf -> s", 20),
    "batchnorm": ("input 4\nshare s = batchnorm\ns -> s", 8),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("standalone", [False, True])
def test_one_set_of_weights(name: str, standalone: bool) -> None:
    text, wanted = CASES[name]
    spec = compiled(text)
    module = abstract(spec, standalone=standalone)
    outputs(spec, module)
    assert parameter_count(module) == wanted
    assert spec.graph is not None
    for graph in (spec.graph, spec.optimized):
        assert total_cost(graph).trainable == wanted
        assert sum(row.trainable for row in rows(graph)) == wanted


def test_multiply_adds_count_every_use() -> None:
    once = total_cost(compiled("input 4\nshare s = dense(4)\ns -> dense(2)").optimized)
    twice = total_cost(compiled("input 4\nshare s = dense(4)\ns -> s -> dense(2)").optimized)
    assert twice.macs == once.macs + 16  # type: ignore[operator]
    assert twice.trainable == once.trainable


def test_ranks_that_need_other_code_are_refused() -> None:
    from netspec import CompileError

    with pytest.raises(CompileError) as caught:
        compiled("input a: 8x3\ninput b: 6x6x3\nshare t = layernorm -> gap\n(a -> t | b -> t) -> concat")
    assert "NS225" in str(caught.value)
