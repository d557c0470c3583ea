"""Texts in folders, one for each class."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache, partial
from pathlib import Path

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Source, Target, TrainRows, source
from netspec.data.dataset.lazy_rows import Array
from netspec.data.dataset.options import Encoding
from netspec.data.errors.files import BrokenFile
from netspec.data.errors.sources import BadFolder
from netspec.data.formats.files import TEXT_ENDINGS, FileStamp, file_stamp, read_file
from netspec.data.sources.class_folders import (
    Listing,
    check_same_classes,
    folders_in,
    list_classes,
    split_folders,
    split_options,
)
from netspec.data.transforms.class_ids import alike_names
from netspec.data.transforms.encoders import CodedBy, Column, Encoder, RowEncoder
from netspec.data.transforms.texts.coder import TextCoder
from netspec.data.transforms.texts.fitting import fit_texts, remarks_on_texts
from netspec.data.transforms.texts.options import TextOptions
from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Text
from netspec.language.lazy import np
from netspec.language.shape import Shape
from netspec.language.text import unix_lines
from netspec.language.word import hidden, option

COLUMN = "text"
"""What the texts are called in tables that `netspec predict` reads."""


@source("texts")
class Texts(TextOptions, Source):
    """Texts in folders, one for each class and named after it: `neg/1.txt`, `pos/2.txt`.

    They are an input of token ids, `N tokens(V, pad = 0)`, whose length and vocabulary are those of the training split.
    If the folder contains `train` and `test`, these have the classes. A folder without subfolders has texts without
    classes. Files end in .txt, .md or .text. How they are split is described at the column type `text`.

    Example: data { source = texts("reviews", length = 200) }
    """

    aliases = ("text_dataset_from_directory", "load_files")

    folder: str = option(
        Text("a folder (string)"), "the folder of the classes, from the folder of the spec", position=0
    )
    encoding: str = option(Encoding(), 'the encoding of the files, such as "cp1252"', default="utf-8")
    test: str | None = option(Text("a folder (string)"), "a folder with the same classes, for the test", default=None)
    coded_by: CodedBy | None = hidden(default=None)
    texts_from: TrainRows | None = hidden(default=None)

    def at(self, path: str) -> Source:
        return self.replace(folder=path, test=None)

    def as_of_run(self, encoder: Encoder | None) -> Source:
        is_ours = isinstance(encoder, RowEncoder) and encoder.only_text == COLUMN
        return self.replace(coded_by=CodedBy(encoder)) if is_ours and encoder is not None else self

    def learning_texts_from(self, rows: TrainRows) -> Source:
        return self.replace(texts_from=rows)

    def labeled(self, folder: Path) -> Dataset | None:
        if self.coded_by is not None or self.texts_from is not None:
            return None
        train, test = self._listings(folder)
        arrays = Arrays({"row": np.arange(len(train.paths))}, _targets(train))
        return Dataset(train.folder.name, self._facts(train, test, Shape(())), arrays, arrays if test else None)

    def facts(self, folder: Path) -> Facts:
        train, test = self._listings(folder)
        return self._facts(train, test, self._coder(train, folder).shape)

    def load(self, folder: Path) -> Dataset:
        train, test = self._listings(folder)
        coder = self._coder(train, folder)
        column = Column(COLUMN, type="text", refuses_missing=True)
        known = self.coded_by.encoder if self.coded_by is not None else RowEncoder((column,), texts={COLUMN: coder})
        return Dataset(
            train.folder.name,
            self._facts(train, test, coder.shape),
            Arrays({COLUMN: coder.encode(self._read(train))}, _targets(train)),
            Arrays({COLUMN: coder.encode(self._read(test))}, _targets(test)) if test is not None else None,
            noun="text",
            rows=train.names,
            test_name=test.folder.name if test is not None else None,
            test_rows=test.names if test is not None else None,
            encoder=known,
        )

    def remarks(self, folder: Path) -> Sequence[Unplaced]:
        train, _ = self._listings(folder)
        rows = np.arange(len(train.paths)) if self.texts_from is None else self.texts_from.indices
        what, coder = f"`{self.folder}`", self._coder(train, folder)
        found = remarks_on_texts(self._read(train), rows, train.names, coder, self, what, "folder")
        return [*found, *alike_names("folder", what, train.classes)]

    def _facts(self, train: Listing, test: Listing | None, shape: Shape) -> Facts:
        targets = {"output": Target.of_classes(train.classes)} if train.classes else {}
        return Facts({COLUMN: shape}, targets, len(train.paths), test is not None, pads={COLUMN: 0})

    def _coder(self, train: Listing, folder: Path) -> TextCoder:
        known = self.coded_by.encoder if self.coded_by is not None else None
        if isinstance(known, RowEncoder):
            return known.texts[COLUMN]
        stamps, said = _stamps(train), self.replace(coded_by=None)
        return _fitted(said, tuple(train.paths), stamps, folder)

    def _read(self, listing: Listing) -> tuple[str, ...]:
        return _read_all(tuple(listing.paths), _stamps(listing), self.encoding, listing.option)

    def _listings(self, folder: Path) -> tuple[Listing, Listing | None]:
        """The training and the test texts; raises Unplaced unless the test folder has the same classes."""
        place, test_place = folder / self.folder, folder / self.test if self.test is not None else None
        splits = {name.lower(): name for name in split_folders(folders_in(place))}
        if splits:
            if not {*splits} <= {"train", "test"} or "train" not in splits or test_place is not None:
                raise self._unclear_splits(place, sorted(splits.values()))
            test_place = place / splits["test"] if "test" in splits else None
            place = place / splits["train"]
        train = list_classes(place, "folder", "text", TEXT_ENDINGS)
        if test_place is None:
            return train, None
        test = list_classes(test_place, "folder" if self.test is None else "test", "text", TEXT_ENDINGS)
        check_same_classes(train, test)
        return train, test

    def _unclear_splits(self, place: Path, names: Sequence[str]) -> Unplaced:
        train, test = split_options(self.folder, names)
        advice = f"write `texts({', '.join([train, *test])})`, and `val = 10%` for a validation split"
        problem = f"contains splits of the data ({', '.join(names)}), and more than `train` and `test`"
        return Unplaced(BadFolder, option="folder", folder=str(place), problem=problem, advice=advice)


def _targets(listing: Listing) -> dict[str, Array]:
    return {} if listing.labels is None else {"output": listing.labels}


def _stamps(listing: Listing) -> tuple[FileStamp, ...]:
    return tuple(map(file_stamp, listing.paths))


@lru_cache(maxsize=2)
def _fitted(said: Texts, paths: tuple[Path, ...], stamps: tuple[FileStamp, ...], folder: Path) -> TextCoder:
    """The coder that is learned from the training texts, once for a check and its training."""
    texts = _read_all(paths, stamps, said.encoding, "folder")
    rows = range(len(texts)) if said.texts_from is None else said.texts_from.indices.tolist()
    return fit_texts([texts[row] for row in rows], said, f"`{said.folder}`", folder, "folder")


@lru_cache(maxsize=4)
def _read_all(paths: tuple[Path, ...], stamps: tuple[FileStamp, ...], encoding: str, option: str) -> tuple[str, ...]:
    """The texts in files, cached as long as these have the same stamps; raises Unplaced for one that is not text."""
    return tuple(_read_text(path, encoding, option) for path in paths)


def _read_text(path: Path, encoding: str, option: str) -> str:
    try:
        text = read_file(path, "text", option).decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError as error:
        broken = partial(Unplaced, BrokenFile, option=option, file=path.name, format="text")
        advice = 'write the encoding of the files, such as `encoding = "cp1252"`, or save it as UTF-8'
        raise broken(reason=f"it is not in the encoding {encoding}", advice=advice) from error
    return unix_lines(text).strip()
