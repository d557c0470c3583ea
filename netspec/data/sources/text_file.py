"""The source of text for language models: pieces of it, each with the same one step further on as its target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Literal, cast

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, HoldOut, Source, Target, single, source
from netspec.data.errors.files import BrokenFile
from netspec.data.errors.sources import TooShort
from netspec.data.formats.files import FileStamp, file_stamp, unreadable
from netspec.data.transforms.encoders import UNKNOWN, TextEncoder, split_text
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Count, Text
from netspec.language.lazy import np
from netspec.language.record import Frozen
from netspec.language.shape import Shape
from netspec.language.word import hidden, option


class Cut(Frozen):
    """How a text is cut: `count` pieces of `length` ids, one every `stride` ids."""

    length: int
    stride: int
    count: int

    @classmethod
    def of(cls, ids: int, length: int, stride: int) -> Cut:
        """All pieces for which there is one id more, as the last target."""
        return cls(length, stride, max(0, (ids - length - 1) // stride + 1))

    @property
    def gap(self) -> int:
        """How many pieces share ids with the one behind them."""
        return (self.length - 1) // self.stride

    def ids(self, pieces: int) -> int:
        """How many ids so many pieces and their targets reach over."""
        return (pieces - 1) * self.stride + self.length + 1


@source("text")
class TextFile(Source):
    """A text for language models: pieces of `length` characters or words, and as targets the ones that come next.

    The end of the text is held out, never single pieces. The vocabulary is that of the training part; id 0 stands for
    everything else, so that `dense(classes, softmax)` has a unit for it, too. A word is a run of letters and digits, or
    any other sign that is no space.

    Example: data { source = text("poems.txt", length = 64) }
    """

    file: str = option(Text("a file name in quotes"), "the text in UTF-8, from the folder of the spec", position=0)
    by: str = option(Choice(("char", "word")), "what an id stands for", default="char")
    length: int = option(
        Count(2), "how many ids a piece has", default=128, aliases=("seq_len", "block_size", "context")
    )
    stride: int | None = option(
        Count(),
        "how many ids a piece begins behind the one before (none: its length, so that none comes twice)",
        default=None,
    )
    vocabulary: int | None = option(
        Count(2),
        "how many ids there are at most: the most frequent, and id 0 for the others (none: all)",
        default=None,
        aliases=("vocab_size", "max_tokens"),
    )
    hold_out: HoldOut = hidden(default=HoldOut())

    def under(self, hold_out: HoldOut) -> Source:
        return self.replace(hold_out=hold_out)

    def facts(self, folder: Path) -> Facts:
        pieces, cut = self._read(folder)
        return self._facts(self._encoder(pieces, cut), cut)

    def load(self, folder: Path) -> Dataset:
        pieces, cut = self._read(folder)
        encoder = self._encoder(pieces, cut)
        ids = encoder.encode(pieces)
        windows = np.lib.stride_tricks.sliding_window_view(ids, cut.length)[:: cut.stride]
        x, y = windows[: cut.count], np.lib.stride_tricks.sliding_window_view(ids[1:], cut.length)[:: cut.stride]
        arrays = Arrays({"input": np.ascontiguousarray(x)}, {"output": np.ascontiguousarray(y[: cut.count])})
        return Dataset(self.file, self._facts(encoder, cut), arrays, noun="piece", encoder=encoder, gap=cut.gap)

    def _facts(self, encoder: TextEncoder, cut: Cut) -> Facts:
        size = len(encoder.vocabulary)
        target = Target("class", cut.length, size, encoder.vocabulary)
        return single(Shape((cut.length,), size), target, examples=cut.count)

    def _read(self, folder: Path) -> tuple[Sequence[str], Cut]:
        """The characters or words, and how they are cut.

        Raises:
            Unplaced: the file cannot be read, or is too short.
        """
        path = folder / self.file
        pieces = _pieces(path, file_stamp(path), self.by)
        cut = Cut.of(len(pieces), self.length, self.stride or self.length)
        parts = 1 + (self.hold_out.test != 0) + (self.hold_out.val != 0)
        if cut.count < parts * (1 + cut.gap):
            unit = "characters" if self.by == "char" else "words and signs"
            raise Unplaced(
                TooShort,
                option="length",
                file=path.name,
                found=len(pieces),
                unit=unit,
                length=self.length,
                needed=parts * self.length + 1,
                longest=max(2, (len(pieces) - 1) // (2 * parts)),
            )
        return pieces, cut

    def _encoder(self, pieces: Sequence[str], cut: Cut) -> TextEncoder:
        """The vocabulary of the training part: most frequent first, in the order of the alphabet where equal."""
        trained = min(len(pieces), cut.ids(self.hold_out.left(cut.count, cut.gap)))
        counts = Counter(pieces[:trained])
        names = sorted(counts) if self.by == "char" else sorted(counts, key=lambda name: (-counts[name], name))
        if self.vocabulary is not None and len(names) >= self.vocabulary:
            names = sorted(counts, key=lambda name: (-counts[name], name))[: self.vocabulary - 1]
        return TextEncoder(cast("Literal['char', 'word']", self.by), self.length, (UNKNOWN, *names))


@lru_cache(maxsize=2)
def _pieces(path: Path, stamp: FileStamp, by: str) -> list[str]:
    """The text in pieces, kept from its check to its training as long as the file has the same stamp."""
    return split_text(_read_text(path), by)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise unreadable(path, "text", error, "file") from error
    except UnicodeDecodeError as error:
        advice, reason = "save it as UTF-8", "it is no UTF-8 text"
        raise Unplaced(
            BrokenFile, option="file", file=path.name, format="text", reason=reason, advice=advice
        ) from error
