"""`netspec generate`: the time for a token with a cache or a carried state, and with the whole sequence computed again.

Both are measured in turns in one process, for networks as in `specs/char_transformer.net` and `specs/char_lstm.net`
with sequences of 512 steps. The time of a token should not grow with the length of the text. The last column is the
time of a token when the text is full, with the whole sequence computed again, divided by that without.

    python -m benchmarks.generate [--steps 512] [--rounds 3]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from typing import Any

import netspec
from netspec.runs.generation.generator import Generator, Settings

VOCABULARY = 65
TRANSFORMER = """
use std.transformer (encoder_layer)
input text: {steps} tokens(65)
share table = embedding(128)
text -> table -> posembed
    -> encoder_layer(4, 512, activation = gelu, causal = true, norm_first = true) * 4
    -> layernorm -> unembed(table) -> softmax
"""
LSTM = "input text: {steps} tokens(65)\ntext -> embedding(64) -> lstm(256) * 2 -> dense(65, softmax)"
SPECS = {"char_transformer": TRANSFORMER, "char_lstm": LSTM}
TIMED = 24
"""Tokens that are timed one by one."""


def token_ms(generator: Generator, length: int) -> float:
    """The median time of a token after a prompt of this length, in milliseconds."""
    prompt = generator.prompt([i % VOCABULARY for i in range(length)])
    ids = generator.generate(prompt, Settings(length=TIMED + 2, seed=1)).steps()
    next(ids)  # reads the prompt
    next(ids)
    return 1000 * statistics.median(_times(ids))


def _times(ids: Iterator[Any]) -> Iterator[float]:
    begin = time.perf_counter()
    for _ in islice(ids, TIMED):
        end = time.perf_counter()
        yield end - begin
        begin = end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    full = options.steps - TIMED - 2
    lengths = [max(1, full // 16), max(1, full // 4), full]
    heads = " ".join(f"{f'at {length}':>10}" for length in lengths)
    print(f"{'milliseconds for a token':<28} {heads} {'whole':>10} {'ratio':>7}")
    for name, spec in SPECS.items():
        model = netspec.compile(spec.format(steps=options.steps))
        cached, whole = Generator(model), Generator(model, is_cached=False)
        token_ms(cached, full), token_ms(whole, full)  # compiled before
        rounds = [
            [*(token_ms(cached, length) for length in lengths), token_ms(whole, full)] for _ in range(options.rounds)
        ]
        times = [min(column) for column in zip(*rounds, strict=True)]
        shown = " ".join(f"{one:10.3f}" for one in times)
        print(f"{name:<28} {shown} {times[-1] / times[-2]:7.1f}", flush=True)


if __name__ == "__main__":
    main()
