"""Checks for words that a program declares; netspec's own words pass the same ones.

    def test_my_layer():
        netspec.testing.check_layer(MyLayer)

What a declaration says is compared with what the emitted network does, over a grid of options and input shapes. Each
check raises an AssertionError that says what is wrong.
"""

from netspec.testing.checks import check_activation, check_init, check_layer
from netspec.testing.docs import check_docs
from netspec.vocabulary import temporary_words

__all__ = ["check_activation", "check_docs", "check_init", "check_layer", "temporary_words"]
