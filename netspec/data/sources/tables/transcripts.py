"""Targets that are texts, such as what is written in an image: their characters, and their ids for `ctc`.

Input: cells. Output: `Target`, and ids that are padded with 0, the blank.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from netspec.data.dataset.dataset import BLANK, Target
from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.texts import StrangeCharacter
from netspec.data.formats.tables.table import Table
from netspec.data.transforms.texts.splitting import split_pieces
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np


def characters_of(cells: Sequence[str]) -> Target:
    """The characters that occur, in the order of Unicode, and the length of the longest text."""
    texts = [split_pieces(cell, "char", lowercase=False) for cell in cells]
    characters = sorted({c for text in texts for c in text})
    return Target("class", max(map(len, texts), default=1), len(characters) + 1, (BLANK, *characters))


def text_array(table: Table, name: str, target: Target) -> Array:
    """The ids of texts: of shape (rows, length of the longest one here or in training), int32.

    Raises:
        Unplaced: a text has a character that does not occur in the training file.
    """
    assert target.names is not None
    ids = {character: number for number, character in enumerate(target.names)}
    texts = [split_pieces(cell, "char", lowercase=False) for cell in table.targets[name]]
    strange = [(row, c) for row, text in enumerate(texts) for c in text if c not in ids]
    if strange:
        row, character = strange[0]
        wrong = partial(Unplaced, StrangeCharacter, option="test", column=name, character=character)
        raise wrong(where=f"{table.file} row {table.rows[row]}", count=len({row for row, _ in strange}))
    found = np.zeros((len(texts), max(target.size, *map(len, texts))), np.int32)
    for row, text in enumerate(texts):
        found[row, : len(text)] = [ids[c] for c in text]
    return found
