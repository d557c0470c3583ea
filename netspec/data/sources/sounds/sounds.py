"""The source `sounds`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, source
from netspec.data.dataset.lazy_rows import Array, Rows, cannot_read_on
from netspec.data.dataset.options import Names
from netspec.data.errors.files import BadPair
from netspec.data.sources.sounds.clips import TABLES, Clips, find_clips
from netspec.data.sources.sounds.survey import Survey, broken_sounds, encoder_of, remarks_on, survey_sounds
from netspec.data.transforms.class_ids import alike_names
from netspec.data.transforms.encoders import CodedBy, Encoder
from netspec.data.transforms.sounds.encoder import SoundEncoder
from netspec.data.transforms.sounds.options import SoundOptions
from netspec.language.diagnostics import CompileError, Unplaced
from netspec.language.kinds import Text
from netspec.language.lazy import np
from netspec.language.word import hidden, option

MAX_CHECKED = 200
"""How many sounds are read in full beforehand when they are read during training."""


@source("sounds")
class Sounds(SoundOptions, Source):
    """Sounds in folders, one for each class and named after it; or in a table that names the files and their targets.

    `sounds("words")` has the classes `words/yes`, `words/no`. `sounds("clips.csv", target = "label")` takes the files
    from the column `file`, with names from the folder of the table. They are WAV files of 8, 16, 24 or 32 bits or of
    floats; FLAC, Ogg and compressed WAV files need `pip install 'netspec-compiler[audio]'`. Channels are mixed to one.
    A folder without subfolders has sounds without classes, for `target = input`.

    Example: data { source = sounds("words", rate = 16000, seconds = 1.0, as = mel(64)) }
    """

    aliases = ("audio_dataset_from_directory", "AudioFolder", "audiofolder", "SPEECHCOMMANDS", "audio")

    folder: str = option(
        Text("a folder or a table (string)"),
        "the folder of the classes, or a table (.csv, .tsv, .parquet), from the folder of the spec",
        position=0,
    )
    column: str = option(
        Text("a column (string)"), "the column of a table that names the files", default="file", aliases=("path",)
    )
    target: tuple[str, ...] = option(
        Names(), "the column of a table to predict, or several", default=(), aliases=("label", "labels", "y")
    )
    test: str | None = option(
        Text("a folder or a table (string)"), "a folder with the same classes, or a table, for the test", default=None
    )
    coded_by: CodedBy | None = hidden(default=None)

    def facts(self, folder: Path) -> Facts:
        parts = self._parts(folder)
        return self._facts(parts, self._encoder(parts, self._surveyed(parts)))

    def remarks(self, folder: Path) -> Sequence[Unplaced]:
        parts = self._parts(folder)
        surveys = self._surveyed(parts)
        found = remarks_on(surveys, self._encoder(parts, surveys), parts[0].name, "folder")
        names = parts[0].targets["output"].names if "output" in parts[0].targets else None
        return [*found, *(alike_names("folder", f"`{self.folder}`", names) if names is not None else [])]

    def at(self, path: str) -> Source:
        is_table = Path(path).suffix.lower() in TABLES
        return self.replace(folder=path, test=None, target=self.target if is_table else ())

    def as_of_run(self, encoder: Encoder | None) -> Source:
        return self.replace(coded_by=CodedBy(encoder)) if isinstance(encoder, SoundEncoder) else self

    def load(self, folder: Path) -> Dataset:
        parts = self._parts(folder)
        encoder = self._encoder(parts, self._surveyed(parts))
        return self._dataset(parts, encoder, [read_sounds(part, part.paths, encoder) for part in parts])

    def stream(self, folder: Path) -> Dataset | None:
        parts = self._parts(folder)
        encoder = self._encoder(parts, self._surveyed(parts))
        checked, total = 0, sum(len(part.paths) for part in parts)
        for part in parts:
            some = part.paths[:: -(-len(part.paths) // MAX_CHECKED)]
            read_sounds(part, some, encoder)
            checked += len(some)
        dataset = self._dataset(parts, encoder, [SoundRows(part.paths, encoder) for part in parts])
        text = f"{checked:,} of {total:,} sounds were read to check them, duplicates between splits not searched for"
        return dataset if checked == total else replace(dataset, checked=text)

    def _dataset(self, parts: Sequence[Clips], encoder: SoundEncoder, inputs: Sequence[Array | Rows]) -> Dataset:
        train, *tests = parts
        arrays = [Arrays({"input": x}, part.values) for part, x in zip(parts, inputs, strict=True)]
        return Dataset(
            train.title,
            self._facts(parts, encoder),
            arrays[0],
            arrays[1] if tests else None,
            noun=train.noun,
            rows=train.rows,
            test_name=tests[0].title if tests else None,
            test_rows=tests[0].rows if tests else None,
            encoder=encoder,
        )

    def _facts(self, parts: Sequence[Clips], encoder: SoundEncoder) -> Facts:
        return Facts({"input": encoder.shape}, {**parts[0].targets}, len(parts[0].paths), len(parts) > 1)

    def _parts(self, folder: Path) -> list[Clips]:
        is_table = Path(self.folder).suffix.lower() in TABLES
        if self.target and not is_table:
            raise Unplaced(BadPair, option="target", given="target", missing="a table")
        train, test = find_clips(folder, self.folder, self.test, self.column, self.target)
        return [train, test] if test is not None else [train]

    def _surveyed(self, parts: Sequence[Clips]) -> list[Survey]:
        """The heads of all parts; raises Unplaced when some cannot be read."""
        surveys = [survey_sounds(part.paths) for part in parts]
        for part, survey in zip(parts, surveys, strict=True):
            if survey.broken:
                raise broken_sounds(survey.broken, part.name, len(part.paths), part.option)
        return surveys

    def _encoder(self, parts: Sequence[Clips], surveys: Sequence[Survey]) -> SoundEncoder:
        if self.coded_by is not None and isinstance(self.coded_by.encoder, SoundEncoder):
            return self.coded_by.encoder
        return encoder_of(surveys, self, parts[0].name, "folder")


def read_sounds(part: Clips, paths: Sequence[Path], encoder: SoundEncoder) -> Array:
    """Some sounds of a part as inputs; raises Unplaced with every one that cannot be read."""
    x = np.empty((len(paths), *encoder.sizes), np.float32)
    broken: dict[Path, OSError] = {}
    for row, path in enumerate(paths):
        try:
            x[row] = encoder.read(path)
        except OSError as error:
            broken[path] = error
    if broken:
        raise broken_sounds(broken, part.name, len(paths), part.option)
    return x


class SoundRows(Rows):
    """Sounds in files, read on demand."""

    def __init__(self, paths: Sequence[Path], encoder: SoundEncoder) -> None:
        super().__init__((len(paths), *encoder.sizes), "float32")
        self.paths, self.encoder = paths, encoder

    def read(self, index: Array) -> Array:
        x = np.empty((len(index), *self.shape[1:]), np.float32)
        for row, path in enumerate(self.paths[i] for i in index.tolist()):
            try:
                x[row] = self.encoder.read(path)
            except OSError as error:
                raise cannot_read_on(path, error) from error
            except Unplaced as bad:
                raise CompileError([bad.diagnostic()]) from bad
        return x
