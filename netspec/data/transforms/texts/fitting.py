"""Learns a vocabulary and a length from the texts of the training split.

Input: texts, and what a spec says of them. Output: a `TextCoder`, and what is remarkable in the texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from netspec.data.errors.files import BrokenFile
from netspec.data.errors.texts import EmptyTexts, LongTexts, NoVocabulary, NoWordSpaces
from netspec.data.formats.files import read_file
from netspec.data.transforms.texts.coder import (
    MAX_CUT,
    PADDING,
    UNKNOWN,
    TextCoder,
    check_installed,
    piece_names,
    read_tokenizer,
    tokenizers,
)
from netspec.data.transforms.texts.options import LEARNED, TextOptions
from netspec.data.transforms.texts.splitting import split_pieces
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np

if TYPE_CHECKING:
    from netspec.data.dataset.lazy_rows import Array

SPACE_FREE = ((0x0E00, 0x0EFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x3040, 0x30FF), (0x3400, 0x9FFF))
"""Thai, Lao, Burmese, Khmer, Japanese and Chinese, which are written without spaces between words."""

MAX_LOOKED_AT = 1000
"""Texts by which that is decided."""


def fit_texts(texts: Sequence[str], said: TextOptions, what: str, folder: Path, option: str) -> TextCoder:
    """How texts become ids, by those of the training split.

    Args:
        texts: of the training split.
        said: what the spec says.
        what: the column or the folder, for messages.
        folder: that of the spec, where the file of a tokenizer is.
        option: the option of the source that errors are reported at.

    Raises:
        Unplaced: nothing occurs often enough, the tokenizer is not one, or a package is missing.
    """
    keep = cast("Literal['start', 'end']", said.keep)
    if said.tokenizer is None and said.by not in LEARNED:
        by = cast("Literal['word', 'char']", said.by)
        counts, lengths = _counted(texts, said)
        coder = TextCoder(by, 1, _frequent(counts, said, what, option), said.lowercase, keep)
    else:
        check_installed(f"by = {said.by}" if said.tokenizer is None else "tokenizer", option)
        text = _trained(texts, said) if said.tokenizer is None else _given(folder / said.tokenizer, option)
        try:
            tokenizer = read_tokenizer(text)
        except ValueError as error:
            broken = partial(Unplaced, BrokenFile, option=option, file=said.tokenizer, format="tokenizer")
            advice = "write it with `Tokenizer.save` of the library `tokenizers`, or take `tokenizer.json` of a model"
            raise broken(reason=str(error)[:200], advice=advice) from error
        shift = 0 if tokenizer.id_to_token(0) in (PADDING, "[PAD]") else 2
        names = piece_names(tokenizer, shift)
        coder = TextCoder("pieces", 1, names, keep=keep, tokenizer=text, shift=shift)
        lengths = [len(own) for own in coder.ids(texts)] if isinstance(said.length, float) else []
    if isinstance(said.length, int):
        return coder.replace(length=said.length)
    return coder.replace(length=int(np.quantile(lengths, said.length, method="inverted_cdf")))


def _counted(texts: Sequence[str], said: TextOptions) -> tuple[Counter[str], list[int]]:
    """How often each piece occurs, and how many ids each text has: at least one."""
    counts: Counter[str] = Counter()
    lengths = []
    for text in texts:
        pieces = split_pieces(text, said.by, said.lowercase)
        counts.update(pieces)
        lengths.append(len(pieces) or 1)
    return counts, lengths


def _frequent(counts: Counter[str], said: TextOptions, what: str, option: str) -> tuple[str, ...]:
    """The vocabulary: most frequent first, in the order of the alphabet among equals."""
    unit = "character" if said.by == "char" else "word"
    names = sorted(
        (n for n, count in counts.items() if count >= said.min_count), key=lambda name: (-counts[name], name)
    )
    if not names:
        most = max(counts.values(), default=0)
        case = "" if most else "empty"
        raise Unplaced(NoVocabulary, option=option, what=what, unit=unit, count=said.min_count, most=most, case=case)
    return (PADDING, UNKNOWN, *names[: said.vocabulary - 2])


def _trained(texts: Sequence[str], said: TextOptions) -> str:
    """The JSON of a tokenizer that is trained on texts: bytes for `bpe`, so that nothing is unknown."""
    options: dict[str, Any] = {"vocab_size": said.vocabulary, "min_frequency": said.min_count, "show_progress": False}
    options["special_tokens"] = [PADDING, UNKNOWN]
    steps = [tokenizers.normalizers.NFC(), *([tokenizers.normalizers.Lowercase()] if said.lowercase else [])]
    if said.by == "bpe":
        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=True)
        tokenizer.decoder = tokenizers.decoders.ByteLevel()
        alphabet = tokenizers.pre_tokenizers.ByteLevel.alphabet()
        trainer = tokenizers.trainers.BpeTrainer(initial_alphabet=sorted(alphabet), **options)
    else:
        tokenizer = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token=UNKNOWN))
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
        trainer = tokenizers.trainers.WordPieceTrainer(**options)
    tokenizer.normalizer = tokenizers.normalizers.Sequence(steps)
    tokenizer.train_from_iterator(texts, trainer)
    found: str = tokenizer.to_str()
    return found


def _given(path: Path, option: str) -> str:
    """The text of a file; raises Unplaced when it cannot be read."""
    try:
        return read_file(path, "tokenizer", option).decode()
    except UnicodeDecodeError as error:
        broken = partial(Unplaced, BrokenFile, option=option, file=path.name, format="tokenizer")
        raise broken(reason="it is not UTF-8 text", case="utf-8") from error


def remarks_on_texts(
    texts: Sequence[str], rows: Array, names: Sequence[str], coder: TextCoder, said: TextOptions, what: str, option: str
) -> Iterator[Unplaced]:
    """Warnings about texts: empty ones, ones that are cut, and a writing without spaces that is split at spaces.

    Args:
        texts: all texts.
        rows: the indices of those that are trained on.
        names: what the texts are called.
        coder: how they become ids.
        said: what the spec says.
        what: the column or the folder.
        option: the option of the source that the warnings are about.
    """
    empty = [row for row, text in enumerate(texts) if not text.strip()]
    if empty:
        yield Unplaced(EmptyTexts, option=option, what=what, count=len(empty), where=names[empty[0]])
    if isinstance(said.length, int):
        lengths = [len(own) for own in coder.ids([texts[row] for row in rows.tolist()])]
        cut = sum(length > coder.length for length in lengths)
        if cut > MAX_CUT * len(lengths):
            about = partial(Unplaced, LongTexts, option=option, what=what, count=cut, total=len(lengths))
            yield about(length=coder.length, unit=coder.unit, part=coder.part, longest=max(lengths))
    if coder.by == "word" and (example := _without_spaces(texts)) is not None:
        yield Unplaced(NoWordSpaces, option=option, what=what, example=example[:20])


def _without_spaces(texts: Sequence[str]) -> str | None:
    """A long word of texts that are mostly in a writing without spaces between words."""
    sample = texts[:: -(-len(texts) // MAX_LOOKED_AT)]
    characters = [character for text in sample for character in text if not character.isspace()]
    free = sum(any(low <= ord(c) <= high for low, high in SPACE_FREE) for c in characters if not c.isascii())
    if 2 * free <= len(characters):
        return None
    return max((word for text in sample for word in text.split()), key=len, default=None)
