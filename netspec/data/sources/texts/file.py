"""Text for language models: windows of it, each with the same window one step later as its target."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Literal, cast

from netspec.data.dataset.dataset import Dataset, Facts, HoldOut, Source, Target, arrays_of, single, source
from netspec.data.errors.files import BrokenFile
from netspec.data.errors.sources import TooShort
from netspec.data.formats.files import FileStamp, file_stamp, read_file
from netspec.data.transforms.encoders import UNKNOWN, CodedBy, Encoder, TextEncoder, split_text
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Choice, Count, Text
from netspec.language.lazy import np
from netspec.language.record import Frozen
from netspec.language.shape import Shape
from netspec.language.text import unix_lines
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
        """How many pieces share ids with the next one."""
        return (self.length - 1) // self.stride


@source("text")
class TextFile(Source):
    """Sequences of `length` characters or words of a text; the targets are the same sequences, shifted by one.

    The end of the text is held out, not random sequences. The vocabulary is that of the training set; id 0 stands for
    everything else, so that `dense(classes, softmax)` has a unit for it, too. A word is a run of letters and digits, or
    any other character that is not a space.

    Example: data { source = text("poems.txt", length = 64) }
    """

    predicts_next = True

    file: str = option(Text("a file name (string)"), "the text in UTF-8, from the folder of the spec", position=0)
    by: str = option(Choice(("char", "word")), "what an id stands for", default="char")
    length: int = option(
        Count(2), "the number of ids in a piece", default=128, aliases=("seq_len", "block_size", "context")
    )
    stride: int | None = option(
        Count(),
        "how many ids after the previous piece the next one begins (none: its length, so that no id occurs twice)",
        default=None,
    )
    vocabulary: int | None = option(
        Count(2),
        "the maximum number of ids: the most frequent, and id 0 for the others (none: all)",
        default=None,
        aliases=("vocab_size", "max_tokens"),
    )
    hold_out: HoldOut = hidden(default=HoldOut())
    coded_by: CodedBy | None = hidden(default=None)

    def at(self, path: str) -> Source:
        return self.replace(file=path)

    def coded_as(self, encoder: Encoder | None) -> Source:
        return self.replace(coded_by=CodedBy(encoder)) if isinstance(encoder, TextEncoder) else self

    def under(self, hold_out: HoldOut) -> Source:
        return self.replace(hold_out=hold_out)

    def facts(self, folder: Path) -> Facts:
        pieces, cut = self._read(folder)
        return self._facts(self._encoder(pieces, cut), cut)

    def load(self, folder: Path) -> Dataset:
        pieces, cut = self._read(folder)
        encoder = self._encoder(pieces, cut)
        ids = encoder.encode(pieces)
        view = np.lib.stride_tricks.sliding_window_view
        x, y = (np.ascontiguousarray(view(ids[k:], cut.length)[:: cut.stride][: cut.count]) for k in (0, 1))
        return Dataset(
            self.file, self._facts(encoder, cut), arrays_of(x, y), noun="piece", encoder=encoder, gap=cut.gap
        )

    def _facts(self, encoder: TextEncoder, cut: Cut) -> Facts:
        size = len(encoder.vocabulary)
        target = Target("class", cut.length, size, encoder.vocabulary)
        return single(Shape((cut.length,), size), target, examples=cut.count)

    def _read(self, folder: Path) -> tuple[Sequence[str], Cut]:
        """The characters or words, and how they are cut; raises Unplaced when the file is unreadable or too short."""
        path = folder / self.file
        pieces = _pieces(path, file_stamp(path), self.by)
        cut = Cut.of(len(pieces), self.length, self.stride or self.length)
        held = self.hold_out
        parts = 1 + (held.test_portion(cut.count) != 0) + (held.val != 0) + held.folds * (held.fold != 0)
        if cut.count < parts * (1 + cut.gap):
            raise Unplaced(
                TooShort,
                option="length",
                file=path.name,
                found=len(pieces),
                unit="characters" if self.by == "char" else "words and signs",
                length=self.length,
                needed=parts * self.length + 1,
                longest=max(2, (len(pieces) - 1) // (2 * parts)),
            )
        return pieces, cut

    def _encoder(self, pieces: Sequence[str], cut: Cut) -> TextEncoder:
        """The vocabulary of the training set: most frequent first, alphabetical among equals."""
        if self.coded_by is not None and isinstance(self.coded_by.encoder, TextEncoder):
            return self.coded_by.encoder
        trained = (self.hold_out.left(cut.count, cut.gap) - 1) * cut.stride + cut.length + 1
        counts = Counter(pieces[:trained])
        names = sorted(counts) if self.by == "char" else sorted(counts, key=lambda name: (-counts[name], name))
        if self.vocabulary is not None and len(names) >= self.vocabulary:
            names = sorted(counts, key=lambda name: (-counts[name], name))[: self.vocabulary - 1]
        return TextEncoder(cast("Literal['char', 'word']", self.by), self.length, (UNKNOWN, *names))


@lru_cache(maxsize=2)
def _pieces(path: Path, stamp: FileStamp, by: str) -> list[str]:
    """The text in pieces, cached from its check to its training as long as the file has the same stamp."""
    try:
        text = read_file(path, "text", "file").decode("utf-8-sig")
        return split_text(unix_lines(text), by)
    except UnicodeDecodeError as error:
        broken = partial(Unplaced, BrokenFile, option="file", file=path.name, format="text")
        raise broken(reason="it is not UTF-8 text", case="utf-8") from error
