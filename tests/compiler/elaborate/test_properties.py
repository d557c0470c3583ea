"""Whatever the text says, the checker gives a graph or diagnostics, and soon."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from netspec.compiler.ir.repeats import find_repeats
from netspec.language.diagnostics import Problems, render, to_json_line
from netspec.language.source import Source
from netspec.language.vocabulary import categories, words
from netspec.spec.compilation import Compilation

GOOD = Path(__file__).parents[2] / "cases" / "good"
PROGRAMS = [path.read_text(encoding="utf-8") for path in sorted(GOOD.glob("*.net"))]
PIECE = re.compile(r'"[^"\n]*"|#[^\n]*|[0-9][0-9.x]*[%kM]?|[A-Za-z_]\w*|->|//|[<>=!]=|\n| +|.')
PIECES = sorted({piece for text in PROGRAMS for piece in PIECE.findall(text) if not piece.startswith(("#", '"'))})
WORDS = sorted({word for category in categories() for word in words(category)} - {"mnist", "fashion_mnist"})
NUMBERS = ["0", "1", "2", "3", "7", "-1", "0.5", "50", "10%", "1k", "999999", "1M", "3x3", "0x0", "2x2x2", "1x1x1x1x1"]
SLOWEST = 20.0
"""Seconds for a text of a few lines; generous, for machines with much else to do."""


def check(text: str) -> Problems:
    """Every stage for a text; nothing may be raised, and everything found can be shown."""
    start = time.process_time()
    spec = Compilation(Source("spec.net", text, GOOD / "spec.net"))
    problems = spec.diagnose()
    for problem in problems:
        assert problem.hint_text and render(problem) and to_json_line(problem)
        assert problem.span is None or 0 <= problem.span.start <= problem.span.end <= len(problem.span.source.text)
    if not problems.errors:
        assert spec.graph is not None
        compile(spec.python, "emitted", "exec")
        compile(spec.inference_python(), "emitted", "exec")
        shapes = {
            tuple((o.name, str(g.shape_of(o.edge))) for o in g.outputs)
            for g in (spec.graph, spec.optimized, spec.inference)
        }
        assert len(shapes) == 1, "passes keep shapes"
        assert all(len(repeat.copies) > 1 for repeat in find_repeats(spec.inference))
    assert time.process_time() - start < SLOWEST
    return problems


pieces = st.sampled_from(PIECES) | st.sampled_from(WORDS) | st.sampled_from(NUMBERS)


@st.composite
def changed_programs(draw: st.DrawFn) -> str:
    """A good program with pieces left out, doubled, swapped and replaced."""
    found = PIECE.findall(draw(st.sampled_from(PROGRAMS)))
    for _ in range(draw(st.integers(1, 4))):
        if not found:
            break
        here, there = (draw(st.integers(0, len(found) - 1)) for _ in range(2))
        match draw(st.sampled_from(["delete", "double", "swap", "replace", "insert", "lines"])):
            case "delete":
                del found[here]
            case "double":
                found.insert(here, found[here])
            case "swap":
                found[here], found[there] = found[there], found[here]
            case "replace":
                found[here] = draw(pieces)
            case "insert":
                found.insert(here, draw(pieces))
            case "lines":
                lines = "".join(found).split("\n")
                lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from(lines)))
                found = PIECE.findall("\n".join(lines))
    return "".join(found)


quickly = settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow])


@quickly
@given(changed_programs())
def test_changed_programs(text: str) -> None:
    check(text)


@st.composite
def replaced_numbers_and_words(draw: st.DrawFn) -> str:
    """A good program that still can be read, with other numbers and words of the language in it."""
    found = PIECE.findall(draw(st.sampled_from(PROGRAMS)))
    numbers = [i for i, piece in enumerate(found) if piece[0].isdigit()]
    names = [i for i, piece in enumerate(found) if piece in WORDS]
    for _ in range(draw(st.integers(1, 4))):
        places, pool = draw(st.sampled_from([(numbers, NUMBERS), (names, WORDS)]))
        if places:
            found[draw(st.sampled_from(places))] = draw(st.sampled_from(pool))
    return "".join(found)


@quickly
@given(replaced_numbers_and_words())
def test_replaced_numbers_and_words(text: str) -> None:
    check(text)


LAYERS = [
    "relu",
    "gap",
    "flatten",
    "identity",
    "batchnorm",
    "softmax",
    "maxpool(2)",
    "conv(4)",
    "conv(8, 3x3, pad = valid)",
]
LAYERS += ["dense(3)", "dense(input.channels // 2)", "dropout(n)", "reshape(4x4)", "h", "block(n)", "block(2 * n)", "f"]
LAYERS += [
    "concat",
    "add",
    "scale(n)",
    "embedding(4)",
    "n",
    "t",
    "input",
    "3",
    "tied",
    "twice(relu)",
    "twice(block(1))",
]
layers = st.sampled_from(LAYERS)
expressions = st.recursive(
    layers,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=4).map(" -> ".join)
        | st.lists(inner, min_size=2, max_size=3).map(lambda items: f"({' | '.join(items)})")
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]} + {pair[1]})")
        | st.tuples(inner, inner).map(lambda pair: f"({pair[0]} if input.channels > n else {pair[1]})")
        | st.tuples(inner, st.integers(0, 4)).map(lambda pair: f"({pair[0]}) * {pair[1]}")
        | inner.map(lambda item: f"residual({item})")
        | inner.map(lambda item: f"twice({item})")
    ),
    max_leaves=8,
)
inputs = st.sampled_from(["8", "8x4", "16x16x3", "4x8x8x2", "(H, W, 3)", "_ tokens(50)", "7 tokens(5)", "(2 * n, 3)"])


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A program out of the parts of the language, mostly with mistakes."""
    lines = [
        f"param n = {draw(st.sampled_from(NUMBERS))}",
        f"input {draw(inputs)}",
        f"def twice(f) = f -> {draw(st.sampled_from(['f', 'relu -> f', 'f + f', 'identity']))}",
        f"def block(n) = {draw(expressions)}",
        f"share tied = {draw(expressions)}",
        f"h = {draw(expressions)}",
        f"t = input -> {draw(expressions)}",
        draw(expressions),
    ]
    if draw(st.booleans()):
        lines.append(f"output other = t -> {draw(expressions)}")
    return "\n".join(lines) + "\n"


@quickly
@given(programs())
def test_generated_programs(text: str) -> None:
    check(text)


# ---------------------------------------------------------------- deep and long

DEEP = {
    "definitions that call the next": "".join(f"def f{i}(n) = dense(n) -> f{i + 1}(n)\n" for i in range(1000))
    + "def f1000(n) = dense(n)\nf0(3)\n",
    "names before their values": "".join(f"a{i} = a{i + 1} -> relu\n" for i in range(1000)) + "a1000 = relu\na0\n",
    "sums before their values": "".join(f"a{i} = a{i + 1} + 1\n" for i in range(1000)) + "a1000 = 1\ndense(a0)\n",
    "residuals inside each other": "r0 = relu\n"
    + "".join(f"r{i + 1} = residual(r{i})\n" for i in range(1000))
    + "r1000\n",
    "choices": "".join(f"def r{i} = (r{i + 1} if input.rank > 0 else relu)\n" for i in range(500))
    + "def r500 = relu\nr0\n",
    "a circle": "".join(f"def f{i} = f{(i + 1) % 1000}\n" for i in range(1000)) + "f0\n",
    "lists": "a0 = [1]\n" + "".join(f"a{i + 1} = [a{i}]\n" for i in range(1000)) + "dense(1, weights = a1000)\n",
    "blocks": "def a0 = dense(8)\n" + "".join(f"def a{i + 1} = a{i} -> a{i}\n" for i in range(30)) + "a30\n",
    "blocks of growing size": "def a0 = dense(input.features + 1)\n"
    + "".join(f"def a{i + 1} = a{i} -> a{i}\n" for i in range(30))
    + "a30\n",
    "names": "a0 = dense(8)\n" + "".join(f"a{i + 1} = a{i} -> a{i}\n" for i in range(30)) + "a30\n",
    "names with a mistake": "a0 = maxpool(2)\n" + "".join(f"a{i + 1} = a{i} -> a{i}\n" for i in range(30)) + "a30\n",
    "branches": "a0 = dense(8)\n" + "".join(f"a{i + 1} = (a{i} | a{i}) -> add\n" for i in range(30)) + "a30\n",
    "tensors side by side": "a0 = input\n"
    + "".join(f"a{i + 1} = (a{i} | a{i})\n" for i in range(50))
    + "a50 -> concat\n",
    "repetitions": "a0 = dense(8)\n" + "".join(f"a{i + 1} = a{i} * 1000\n" for i in range(30)) + "a30\n",
    "arguments": "def t(f) = f -> f\n" + "t(" * 30 + "dense(8)" + ")" * 30 + "\n",
    "lists of lists": "a0 = [1]\n"
    + "".join(f"a{i + 1} = [a{i}, a{i}]\n" for i in range(30))
    + "dense(1, weights = a30)\n",
    "numbers": "a0 = 2\n" + "".join(f"a{i + 1} = a{i} * a{i}\n" for i in range(60)) + "dense(a60)\n",
    "misspelt names": " -> ".join(f"dnese_{i}(8)" for i in range(1000)) + "\n",
}
"""Each with `input 8` in front: an error, within seconds."""


@pytest.mark.parametrize("name", DEEP)
def test_what_is_too_deep_or_too_much_is_told(name: str) -> None:
    assert check("input 8\n" + DEEP[name]).errors


LONG = {
    "a chain": " -> ".join(["dense(8)"] * 3000) + "\n",
    "a chain over lines": "\n-> ".join(["dense(8)"] * 3000) + "\n",
    "a chain of names": "a0 = relu\n" + "".join(f"a{i + 1} = a{i} -> dense(8)\n" for i in range(1000)) + "a1000\n",
    "tensors": "a0 = input\n" + "".join(f"a{i + 1} = a{i} -> dense(8)\n" for i in range(1000)) + "a1000\n",
    "branches": "(" + " | ".join(["dense(8)"] * 1000) + ") -> concat\n",
    "copies": "dense(8) * 3000\n",
    "definitions": "".join(f"def f{i} = dense(8)\n" for i in range(500))
    + " -> ".join(f"f{i}" for i in range(500))
    + "\n",
    "blocks inside blocks": "def f40 = dense(8)\n"
    + "".join(f"def f{i} = f{i + 1} -> relu\n" for i in range(40))
    + "f0\n",
    "outputs": "".join(f"output o{i} = input -> dense(2)\n" for i in range(1000)),
    "doubling blocks": "def a0 = dense(8)\n" + "".join(f"def a{i + 1} = a{i} -> a{i}\n" for i in range(10)) + "a10\n",
}
"""Each with `input 8` in front: a network, within seconds."""


@pytest.mark.parametrize("name", LONG)
def test_what_is_long_is_a_network(name: str) -> None:
    assert [render(p) for p in check("input 8\n" + LONG[name]).errors] == []


def test_unknown_sizes_do_not_grow_without_end() -> None:
    squares = "".join(f"a{i + 1} = a{i} * a{i}\n" for i in range(30))
    halves = "".join(f"b{i + 1} = (b{i} + 1) // 2 + b{i}\n" for i in range(30))
    start = "input (H, W)\na0 = input.length\nb0 = input.length\n"
    assert "NS221" in [p.code for p in check(f"{start}{squares}{halves}reshape((a30, b30))\n")]
