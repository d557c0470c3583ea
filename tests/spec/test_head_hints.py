"""A last layer for classes that does not fit: what the hint says to write passes."""

from __future__ import annotations

import re

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
