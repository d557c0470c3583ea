"""Checks of the docstring of a declaration."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.language.reference.entries import word_page
from netspec.language.word import Word
from netspec.layers.base import Layer
from netspec.testing.modules import compiled, has_errors, require

INPUTS = ("12", "64", "7x4", "16x4", "9x7x4", "8x8x1", "5x6x7x4", "4x4x2x2", "6 tokens(11)")
"""Vectors, sequences, images, volumes and token ids, of odd and even sizes."""


def check_docs(word: type[Word], *, facts: Sequence[str] = ("Example",)) -> None:
    """Check that the docstring begins with a sentence and has these lines, and that every option has a phrase.

    Raises:
        AssertionError: something is missing.
    """
    page = word_page(word)
    require(page.summary.endswith("."), f"{word.word}: the first paragraph of its docstring is a sentence")
    require(len(page.summary) < 160, f"{word.word}: the first sentence of its docstring has at most 160 characters")
    for fact in facts:
        require(bool(page.facts.get(fact)), f"{word.word}: its docstring has no line `{fact}:`")
    for option in word.options():
        require(bool(option.doc), f"{word.word}: option {option.name} says what it does")
        require(not option.doc.endswith("."), f"{word.word}: what option {option.name} does is a phrase, without a dot")
        require(bool(option.kind.describe()), f"{word.word}: the kind of option {option.name} says what it takes")
    positions = sorted(o.position for o in word.options() if o.position is not None)
    require(positions == list(range(len(positions))), f"{word.word}: positions are counted 0, 1, 2 without a gap")
    require(len(positions) <= 3, f"{word.word}: at most three options are positional")


def check_example(word: type[Word], inputs: Sequence[str] = INPUTS) -> list[str]:
    """The example compiles and names the word; the inputs for which it does."""
    example = word_page(word).facts["Example"]
    require(word.word in example, f"{word.word}: its example does not show it")
    fitting = [shape for shape in inputs if not has_errors(compiled(in_a_net(word, example, shape)))]
    require(bool(fitting), f"{word.word}: `{example}` compiles for none of {', '.join(inputs)}")
    return fitting


def in_a_net(word: type[Word], text: str, shape: str) -> str:
    """The text as a network, with the shared layer `table` for words that borrow weights."""
    borrows = issubclass(word, Layer) and word.borrows
    return f"input {shape}\n" + (f"share table = embedding(4)\ntable -> {text}" if borrows else text)
