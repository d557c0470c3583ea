"""Checking and emitting take time in proportion to the length of a spec, whatever it is made of."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest

from netspec.compiler.backend.emit import emit_source
from netspec.compiler.ir.cost import rows, total_cost
from netspec.language.source import Source
from netspec.spec.compilation import Compilation


def chain(n: int) -> str:
    return "input 8\n" + "\n-> ".join(["dense(8)", "relu"] * (n // 2))


def named(n: int) -> str:
    lines = [f"h{i} = h{i - 1} -> dense(8)" for i in range(1, n)]
    return "\n".join(["input 8", "h0 = input -> dense(8)", *lines, f"h{n - 1} -> relu"])


def skips(n: int) -> str:
    lines = [f"h{i} = h{i - 1} + h{max(0, i - 2)}" for i in range(1, n)]
    return "\n".join(["input 8", "h0 = input -> dense(8)", *lines, f"h{n - 1} -> relu"])


def one_block(n: int) -> str:
    return "input 8\ndef f(k) = dense(k) -> relu\n" + "\n-> ".join(f"f({4 + i % 7})" for i in range(n))


def many_blocks(n: int) -> str:
    definitions = "\n".join(f"def f{i} = dense(8) -> relu" for i in range(n))
    return f"input 8\n{definitions}\n" + "\n-> ".join(f"f{i}" for i in range(n))


def one_shared(n: int) -> str:
    return "input 8\nshare s = dense(8) -> relu\n" + "\n-> ".join(["s"] * n)


def many_shared(n: int) -> str:
    return (
        "input 8\n"
        + "\n".join(f"share s{i} = dense(8)" for i in range(n))
        + "\n"
        + " -> ".join(f"s{i}" for i in range(n))
    )


def branches(n: int) -> str:
    return "input 8\n(" + "\n| ".join(["dense(8)"] * n) + ") -> concat"


def outputs(n: int) -> str:
    return "input 8\n" + "\n".join(f"output o{i} = input -> dense(8, softmax)" for i in range(n))


SHAPES = [chain, named, skips, one_block, many_blocks, one_shared, many_shared, branches, outputs]


def work(text: str) -> None:
    spec = Compilation(Source("<spec>", text))
    spec.check()
    emit_source(spec.optimized)
    assert total_cost(spec.optimized).macs != 0
    assert sum(1 for _ in rows(spec.optimized)) > 0


def calls(run: Callable[[], None]) -> int:
    """How many function calls it takes."""
    count = 0

    def profile(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event.endswith("call")

    before = sys.getprofile()
    sys.setprofile(profile)
    try:
        run()
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("shape", SHAPES, ids=lambda f: f.__name__)
def test_calls_grow_linearly(shape: Callable[[int], str]) -> None:
    work(shape(10))  # the grammar, the helpers
    small, large = (calls(lambda n=n: work(shape(n))) for n in (100, 1000))
    assert large < 12 * small


def test_ten_thousand_layers() -> None:
    def seconds(n: int) -> float:
        started = time.perf_counter()
        work(chain(n))
        return time.perf_counter() - started

    small = min(seconds(1000) for _ in range(3))
    assert seconds(10_000) < 30 * small
