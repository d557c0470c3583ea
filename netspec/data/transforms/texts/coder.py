"""How texts become token ids; saved with the weights.

Input: texts. Output: ids, an example a row. It is plain data, for JSON. Id 0 is padding, id 1 stands for everything
that is not in the vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from functools import lru_cache, partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

from netspec.data.errors.prediction import Unseen
from netspec.data.errors.sources import MissingPackage
from netspec.data.errors.texts import LongText
from netspec.data.transforms.texts.splitting import split_pieces
from netspec.language.diagnostics import Diagnostic, Unplaced
from netspec.language.lazy import lazy, np
from netspec.language.record import Frozen
from netspec.language.shape import Shape

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

tokenizers = lazy("tokenizers")

MAX_CUT = 0.2
"""A larger fraction of texts that are cut is worth a warning."""

FEW = 10
"""Among fewer texts every one is."""

PADDING, UNKNOWN = "<pad>", "<unknown>"
"""The names of the ids 0 and 1."""

SPACE_BYTE = "\u0120"
"""A space at the beginning of a piece, in vocabularies of bytes."""


class TextCoder(Frozen):
    """How the texts of a column become ids.

    Args:
        by: `word`, `char`, or `pieces` of a tokenizer.
        length: ids of an example.
        vocabulary: the name of each id.
        lowercase: whether words and characters are those of the text in small letters.
        keep: which part of a longer text is read, the `start` or the `end`.
        tokenizer: the JSON of the library `tokenizers` that cuts texts into pieces.
        shift: what is added to the ids of the tokenizer.
    """

    by: Literal["word", "char", "pieces"]
    length: int
    vocabulary: tuple[str, ...]
    lowercase: bool = True
    keep: Literal["start", "end"] = "start"
    tokenizer: str | None = None
    shift: int = 0

    @property
    def shape(self) -> Shape:
        return Shape((self.length,), len(self.vocabulary))

    @property
    def separator(self) -> str:
        """What is between two pieces when they are shown."""
        has_spaces = self.by == "char" or any(name.startswith(" ") for name in self.vocabulary)
        return "" if has_spaces else " "

    @property
    def unit(self) -> str:
        """What a text is cut into."""
        return {"word": "words", "char": "characters", "pieces": "pieces"}[self.by]

    def ids(self, texts: Sequence[str]) -> list[list[int]]:
        """All ids of each text, at least one."""
        if self.tokenizer is not None:
            found = read_tokenizer(self.tokenizer).encode_batch([*texts])
            return [[i + self.shift for i in one.ids] or [1] for one in found]
        known = _numbers(self.vocabulary)
        return [[known.get(piece, 1) for piece in split_pieces(text, self.by, self.lowercase)] or [1] for text in texts]

    def encode(self, texts: Sequence[str]) -> Array:
        """The ids of shape (texts, length), int32: of longer texts a part, shorter ones with 0 after them."""
        return self.padded(self.ids(texts))

    def padded(self, ids: Sequence[Sequence[int]]) -> Array:
        found = np.zeros((len(ids), self.length), np.int32)
        for row, own in enumerate(ids):
            part = own[: self.length] if self.keep == "start" else own[-self.length :]
            found[row, : len(part)] = part
        return found

    def remarks(self, texts: Sequence[str], names: Sequence[str]) -> Iterator[Diagnostic]:
        """Warnings about texts to predict for: longer ones than are read, and ones of which nothing is known; `names`
        are theirs."""
        found = self.ids(texts)
        strange = [row for row, own in enumerate(found) if {*own} == {1} and texts[row].strip()]
        if strange:
            text, more = texts[strange[0]].strip(), len(strange) - 1
            what, advice = f'only {self.unit} such as "{text[:20]}"', "they are treated as unknown"
            yield Unseen(name=names[strange[0]], what=what, advice=advice, more=more, case="more" if more else "")
        lengths = [len(own) for own in found]
        long = [row for row, count in enumerate(lengths) if count > self.length]
        if long and (len(texts) <= FEW or len(long) > MAX_CUT * len(texts)):  # of many, some are to be expected
            more = len(long) - 1
            about = partial(LongText, found=lengths[long[0]], unit=self.unit, length=self.length, part=self.part)
            yield about(name=names[long[0]], more=more, case="more" if more else "")

    @property
    def part(self) -> str:
        return "first" if self.keep == "start" else "last"

    def problem(self) -> str | None:
        """What is wrong with one that was read from a file."""
        if self.length < 1 or len(self.vocabulary) < 2:
            return "a text has no ids"
        if (self.by == "pieces") != (self.tokenizer is not None):
            return "`tokenizer` does not fit `by`"
        return None


@lru_cache(maxsize=8)
def _numbers(vocabulary: tuple[str, ...]) -> dict[str, int]:
    return {name: number for number, name in enumerate(vocabulary) if number > 1}


def check_installed(source: str, option: str | None) -> None:
    """Raises Unplaced unless the library `tokenizers` is installed; `source` is what needs it."""
    if find_spec("tokenizers") is None:
        raise Unplaced(MissingPackage, option=option, source=source, package="tokenizers", extra="text")


@lru_cache(maxsize=8)
def read_tokenizer(text: str) -> Any:
    """A tokenizer without padding and truncation, which are those of a coder.

    Raises:
        ValueError: the text is not its JSON.
        Unplaced: the library is not installed.
    """
    check_installed("tokenizer", None)
    try:
        json.loads(text)
        found = tokenizers.Tokenizer.from_str(text)
    except Exception as error:  # the library raises nothing narrower
        raise ValueError(str(error).splitlines()[0]) from error
    found.no_padding()
    found.no_truncation()
    return found


def piece_names(tokenizer: Any, shift: int) -> tuple[str, ...]:
    """The name of each id, with the spaces that a piece stands for."""
    tokens = [tokenizer.id_to_token(number) or UNKNOWN for number in range(tokenizer.get_vocab_size())]
    if any(token.startswith(SPACE_BYTE) for token in tokens):
        special = {*tokenizer.get_added_tokens_decoder()}
        tokens = [t if i in special else tokenizer.decode([i]) for i, t in enumerate(tokens)]
    return (*(PADDING, UNKNOWN)[:shift], *(token.replace("\u2581", " ") for token in tokens))
