"""What a spec says of texts: how they are split, and how much of them is read."""

from __future__ import annotations

from netspec.language.kinds import Choice, Count, Flag, Text
from netspec.language.values import to_source
from netspec.language.word import Kind, Mismatch, Word, option

LEARNED = ("bpe", "wordpiece")
"""Ways to split into pieces that are learned from the training split."""


class TextLength(Kind):
    """A number of ids, or a fraction of the texts that are read in full."""

    def accept(self, value: object) -> int | float:
        if isinstance(value, float) and 0 < value <= 1:
            return value
        try:
            return Count().accept(value)
        except Mismatch as wrong:
            advice = "write a number such as 200, or a percentile such as 95%"
            raise Mismatch(self.describe(), value, wrong.unknown, advice) from None

    def describe(self) -> str:
        return "a number of ids such as 200, or a fraction of the texts such as 95%"

    def to_source(self, value: object) -> str:
        return f"{100 * value:g}%" if isinstance(value, float) else to_source(value)


class TextOptions(Word):
    """How texts become ids: 0 is padding at the end, 1 what is not in the vocabulary."""

    by: str = option(
        Choice(("word", "char", *LEARNED)),
        "what an id stands for: a word or a sign, a character, or a piece of a word; the pieces are learned from the "
        "training split (needs `pip install 'netspec-compiler[text]'`)",
        default="word",
        aliases=("split", "level", "token"),
    )
    length: int | float = option(
        TextLength(),
        "the number of ids of an example, or a percentile of the lengths in the training split: longer texts are cut",
        default=0.95,
        aliases=("max_length", "maxlen", "output_sequence_length", "sequence_length"),
    )
    vocabulary: int = option(
        Count(3),
        "the maximum number of ids: the most frequent, and two for padding and for all others",
        default=20000,
        aliases=("vocab_size", "max_tokens", "num_words"),
    )
    min_count: int = option(
        Count(),
        "how often a word occurs in the training split to be in the vocabulary",
        default=2,
        aliases=("min_frequency", "min_freq", "min_df"),
    )
    lowercase: bool = option(Flag(), "whether capital letters are read as small ones", default=True, aliases=("lower",))
    keep: str = option(
        Choice(("start", "end")), "which part of a longer text is read", default="start", aliases=("truncating",)
    )
    tokenizer: str | None = option(
        Text("a file name (string)"),
        "a `tokenizer.json` of the library `tokenizers`, which splits in the place of `by`, `vocabulary`, `min_count` "
        "and `lowercase` (none: by these)",
        default=None,
    )
