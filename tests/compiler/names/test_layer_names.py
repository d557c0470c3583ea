"""A name that a layer has is one mistake: what its uses mean is not known, and nothing more is said of them."""

from __future__ import annotations

import pytest

from netspec.language.source import Source
from netspec.spec.compilation import Compilation


@pytest.mark.parametrize(
    "text",
    [
        "def conv(n) = dense(n) -> relu\ninput 8\nconv(4) -> dense(2)\n",
        "def gap { tanh }\ninput 8\ngap -> dense(2)\n",
        "def relu(x) = dense(x)\ninput 8\ndense(3, relu) -> relu(2) -> relu -> dense(2)\n",
        "dense = dense(4)\ninput 8\ndense -> relu -> dense(2)\n",
        "share lstm = dense(8)\ninput 8\nlstm -> lstm -> dense(2)\n",
        "param dropout = 3\ninput 8\ndense(dropout) -> dropout(50%) -> dense(2)\n",
    ],
)
def test_one_message(text: str) -> None:
    (problem,) = Compilation(Source("attack", text)).diagnose()
    assert problem.code == "NS207" and problem.message.endswith("is already the name of a layer")
