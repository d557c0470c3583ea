"""The files of a network that has a text and a second file with its weights: opened, with what is wrong with them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from netspec.interchange.errors import NotAModel
from netspec.language.diagnostics import CompileError, fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.files.regular_file import Limit, Refused, read_regular
from netspec.language.record import Frozen
from netspec.language.source import Source, Span
from netspec.language.vocabulary import words

LIMIT = Limit("NETSPEC_MAX_FILE_GB", 16, "GB", 10**9)
"""The largest file of weights."""


class InputFile(Frozen):
    """The name of a file, as messages show it, and the title of its format."""

    name: str
    format: str

    def bad(self, reason: str, advice: str = "", span: Span | None = None) -> CompileError:
        """The error that says that the file is damaged, or not of the format (NS570), to be raised."""
        return fail(NotAModel(file=self.name, format=self.format, reason=reason, advice=advice, span=span))


def read_source(given: Any, format: str) -> tuple[Source, InputFile]:
    """The text of a file, which messages point into.

    Raises:
        CompileError: it cannot be read, or is not text (NS570).
    """
    if not isinstance(given, str | Path):
        raise InputFile(name=type(given).__name__, format=format).bad("it is not a file", "give the name of a file")
    file = InputFile(name=str(given), format=format)
    try:
        source = Source.read(Path(given))
    except OSError as error:
        raise file.bad(reason_of(error), error.advice if isinstance(error, Refused) else "") from None
    except UnicodeDecodeError:
        raise file.bad(
            "it is not text in UTF-8", "give the file of the network first, and its weights second"
        ) from None
    return source, file


def read_weights(path: Path, format: str) -> tuple[bytes, InputFile]:
    """The bytes of a file of weights.

    Raises:
        CompileError: it cannot be read (NS570).
    """
    file = InputFile(name=str(path), format=format)
    try:
        return read_regular(path, LIMIT), file
    except OSError as error:
        raise file.bad(reason_of(error), error.advice if isinstance(error, Refused) else "") from None


def identifier(name: str, taken: set[str]) -> str:
    """A name that the language can say, is not a word of it, and is not taken; it is taken from then on."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "_", name).strip("_") or "x"
    plain = f"x_{plain}" if plain[0].isdigit() else plain
    found, count = plain, 1
    while found in taken or found in RESERVED or any(found in words(category) for category in CATEGORIES):
        found, count = f"{plain}_{count}", count + 1
    taken.add(found)
    return found


CATEGORIES = ("layer", "activation")
"""Words that names would hide."""
RESERVED = {
    *("input", "output", "param", "share", "use", "def", "if", "else", "and", "or", "not", "true", "false", "tokens"),
    *("netspec", "classes"),
}
"""Names that mean something else to the language."""
