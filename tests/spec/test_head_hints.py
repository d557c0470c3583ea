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
