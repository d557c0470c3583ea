"""A last layer for classes that does not fit: what the hint says to write passes."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import netspec

SPEC = "{}\ndata {{ source = digits }}\n{}\n"
HEADS = ["dense(10, sigmoid)", "dense(1, sigmoid)", "dense(1)", "dense(9, sigmoid)", "dense(12, softplus)"]
LOSSES = ["", "train { loss = binary_cross_entropy }", "train { loss = cross_entropy }"]


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("head", HEADS)
def test_the_hint_leads_to_a_spec_that_passes(head: str, loss: str) -> None:
    (found,) = [problem for problem in netspec.check(SPEC.format(head, loss)) if problem.is_error]
    hint = found.hint_text
    if "instead of `sigmoid`" in hint:
        head = head.replace("sigmoid", "softmax")
        loss = "" if "remove `loss" in hint else loss
    else:
        (head, *_) = re.findall(r"`(dense\([^`]*\))`", hint)
    after = [problem for problem in netspec.check(SPEC.format(head, loss)) if problem.is_error]
    if after:  # a loss that does not fit either is the next message, whose hint is the default
        (wrong,) = after
        assert "`cross_entropy`" in wrong.hint_text
        loss = "train { loss = cross_entropy }"
    assert [problem for problem in netspec.check(SPEC.format(head, loss)) if problem.is_error] == []


RNG = np.random.default_rng(0)
TARGETS = {
    "class": RNG.choice(["ant", "bee", "cat"], 30),
    "binary": RNG.integers(0, 2, 30),
    "numbers": RNG.normal(3, 9, 30).round(2),
    "several": RNG.normal(3, 9, (30, 3)).round(2),
}
ACTIVATIONS = ["", ", relu", ", sigmoid", ", softmax", ", tanh"]
WIDTHS = [1, 2, 3, 4]
NAMES = ["", "mse", "cross_entropy", "binary_cross_entropy"]


def applied(hint: str, head: str, loss: str) -> tuple[str, str]:
    """The head and the loss after a hint, read literally."""
    if "instead of `sigmoid`" in hint:
        return head.replace("sigmoid", "softmax"), "" if "remove `loss" in hint else loss
    if written := re.search(r"`(dense\([^`]*\))`", hint):
        return written[1], "mse" if "`loss = mse`" in hint else loss
    if "remove `sigmoid`" in hint:
        return head.replace(", sigmoid", ""), loss
    return head, re.findall(r"use `(\w+)`", hint)[0]


@pytest.mark.parametrize("kind", TARGETS)
def test_hints_lead_to_a_spec_that_passes_for_every_kind_of_target(kind: str, tmp_path: Path) -> None:
    targets = TARGETS[kind].reshape(30, -1)
    names = [f"y{i}" for i in range(targets.shape[1])]
    rows = [",".join(["a", *names]), *(",".join([f"{RNG.random():.3f}", *map(str, row)]) for row in targets)]
    (tmp_path / "table.csv").write_text("\n".join(rows) + "\n")
    source = f'csv("{tmp_path}/table.csv", target = [{", ".join(map(repr, names)).replace(chr(39), chr(34))}])'

    def wrong(head: str, loss: str) -> list[str]:
        settings = f"train {{ loss = {loss} }}" if loss else ""
        spec = f"{head}\ndata {{ source = {source} }}\n{settings}\n"
        return [problem.hint_text for problem in netspec.check(spec) if problem.is_error]

    for start in [
        (f"dense({width}{activation})", loss) for width in WIDTHS for activation in ACTIVATIONS for loss in NAMES
    ]:
        seen, now = [start], start
        while found := wrong(*now):
            now = applied(found[0], *now)
            assert now not in seen and len(seen) < 4, (start, seen, found)
            seen.append(now)


RECURRENT = {
    "lstm(8) -> dense(10, softmax)": "lstm(8, return = last)",
    "gru(8, dropout = 0.1) -> dropout(0.2) -> dense(8, relu) -> dense(10)": "gru(8, dropout = 0.1, return = last)",
    "bidirectional(rnn(8)) -> layernorm -> dense(10, softmax)": "bidirectional(rnn(8, return = last))",
    "lstm(8) -> lstm(8, return = sequence) -> dense(10, softmax)": "lstm(8, return = last)",
}


@pytest.mark.parametrize("chain", RECURRENT)
def test_a_recurrent_layer_predicts_once_for_each_example(chain: str) -> None:
    spec = "reshape(8x8) -> {}\ndata {{ source = digits }}\n"
    (found,) = [problem for problem in netspec.check(spec.format(chain)) if problem.is_error]
    new, old = re.findall("`([^`]*)`", found.hint_text)
    assert new == RECURRENT[chain]
    before, _, after = chain.rpartition(old)
    assert [problem for problem in netspec.check(spec.format(before + new + after)) if problem.is_error] == []


def test_other_layers_of_steps_are_pooled() -> None:
    spec = "reshape(8x8) -> {} -> dense(10, softmax)\ndata {{ source = digits }}\n"
    for chain in ("lstm(8) -> attention(2)", "dense(8)"):
        (found,) = netspec.check(spec.format(chain))
        assert found.hint_text == "put `gap` or `flatten` before the last layer, to predict once for each example"


def test_numbers_after_a_recurrent_layer() -> None:
    spec = "reshape(10x1) -> lstm(4{}) -> dense(1)\ndata {{ source = diabetes }}\n"
    (found,) = [problem for problem in netspec.check(spec.format("")) if problem.is_error]
    assert found.message == "an example has 1 target, but the network gives 10 numbers"
    assert found.hint_text.startswith("write `lstm(4, return = last)` instead of `lstm(4)`")
    assert not [problem for problem in netspec.check(spec.format(", return = last")) if problem.is_error]


@pytest.mark.parametrize(
    ("head", "lines"),
    [
        ("dense(10, relu)", ["write `dense(10, softmax)`", "`relu` is for the layers before the last one"]),
        ("dense(10)", ["write `dense(10, softmax)`", "the loss stays the same, and predictions become probabilities"]),
    ],
)
def test_a_last_layer_without_probabilities(head: str, lines: list[str]) -> None:
    (found,) = netspec.check(f"{head}\ndata {{ source = digits }}\n")
    assert found.hint_text.splitlines() == lines


def test_a_shape_of_other_size_than_the_targets() -> None:
    (found,) = netspec.check(
        "dense(72, sigmoid) -> reshape(9x8x1)\ndata {\n    source = digits\n    target = input\n}\n"
    )
    assert found.message == "an example has 64 targets, but the network gives 72 numbers"
    assert found.hint_text == "the network must give 64 numbers"
