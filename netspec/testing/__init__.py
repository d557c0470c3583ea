"""Checks for user-defined words; built-in ones pass the same checks.

    def test_my_layer():
        netspec.testing.check_layer(MyLayer)

Input: the declaration of a word. Guarantee: it is compared with the generated network over a grid of options and input
shapes. Output: nothing, or an AssertionError that says what is wrong.
"""

from netspec.language.vocabulary import temporary_words as temporary_words
from netspec.testing.checks import (
    check_activation as check_activation,
    check_init as check_init,
    check_layer as check_layer,
)
from netspec.testing.docs import check_docs as check_docs
