"""Arrays in NumPy's own format (.npy): the head is checked before anything is read. Nothing is ever unpickled.

Input: a file. Output: `NpyHead`, or an array whose numbers are read when they are used.
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import IO, Any, NamedTuple

from netspec.data.dataset.lazy_rows import Array
from netspec.data.errors.files import BrokenFile, NoExamples, WrongType
from netspec.data.formats.files import open_file, unreadable
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import lazy, np

npy = lazy("numpy.lib.format")

_DAMAGED = (ValueError, SyntaxError, TypeError, LookupError, ArithmeticError, RecursionError, MemoryError)
"""What NumPy raises for a damaged head, which it reads as a Python literal."""


class BadNpy(Exception):
    """Not an .npy file, or one that is damaged; the text says why."""


class NpyHead(NamedTuple):
    """What is in an .npy file; the numbers begin after `offset` bytes."""

    shape: tuple[int, ...]
    is_fortran: bool
    dtype: Any
    offset: int

    @property
    def bytes(self) -> int:
        """The size of the numbers."""
        return prod(self.shape) * int(self.dtype.itemsize)

    def check_length(self, length: int) -> None:
        """Raises BadNpy unless the numbers that follow the head have `length` bytes."""
        if length != self.bytes:
            raise BadNpy(f"its head announces {self.bytes:,} bytes, and {length:,} follow")


def read_npy_head(file: IO[bytes]) -> NpyHead:
    """The head at the beginning of a file, which is read up to the numbers.

    Raises:
        BadNpy: there is none, or it makes no sense.
    """
    import tokenize  # NumPy does it, too

    magic = file.read(8)
    if len(magic) < 8 or magic[:6] != b"\x93NUMPY" or magic[6] not in (1, 2, 3):
        raise BadNpy(f"it begins with {magic.hex(' ') or 'nothing'}, not with 93 NUMPY and a version")
    read = npy.read_array_header_1_0 if magic[6] == 1 else npy.read_array_header_2_0
    try:
        shape, is_fortran, dtype = read(file)
    except (*_DAMAGED, tokenize.TokenError) as error:
        raise BadNpy("its head cannot be read") from error
    if not all(isinstance(size, int) and size >= 0 for size in shape):
        raise BadNpy(f"its head has the shape {shape}")
    return NpyHead(tuple(map(int, shape)), bool(is_fortran), dtype, file.tell())


def check_numbers(head: NpyHead, what: str, option: str | None = None, *, may_be_text: bool = False) -> None:
    """Raises Unplaced unless an array has examples, and numbers in them, or texts where these are allowed."""
    if head.dtype.kind not in ("biufUS" if may_be_text else "biuf"):
        objects = "saved texts" if may_be_text else "saved objects"
        case = objects if head.dtype.kind == "O" else "saved"
        raise Unplaced(WrongType, option=option, what=what, found=f"values of type {head.dtype}", case=case)
    if 0 in head.shape or not head.shape:
        raise Unplaced(NoExamples, option=option, what=what, advice=f"its shape is {head.shape}")


def open_npy(path: Path, option: str | None = None, *, may_be_text: bool = False) -> Array:
    """The array in a file, whose numbers are read when they are used; `may_be_text`: names of classes are allowed.

    Raises:
        Unplaced: the file cannot be read, is damaged, or has something else than numbers, or none.
    """
    with open_file(path, "npy", option) as file:
        begin = file.read(4)
        if not begin:
            raise Unplaced(BrokenFile, option=option, file=path.name, format="npy", reason="it is empty", case="npy")
        if begin == b"PK\x03\x04":
            reason = "it is an archive of several arrays"
            raise Unplaced(BrokenFile, option=option, file=path.name, format="npy", reason=reason, case="several")
        file.seek(0)
        try:
            head = read_npy_head(file)
            check_numbers(head, path.name, option, may_be_text=may_be_text)
            head.check_length(file.seek(0, 2) - head.offset)
        except BadNpy as error:
            raise Unplaced(
                BrokenFile, option=option, file=path.name, format="npy", reason=str(error), case="npy"
            ) from error
        content: Any = file
        try:
            return np.memmap(content, head.dtype, "r", head.offset, head.shape, "F" if head.is_fortran else "C")
        except OSError as error:
            raise unreadable(path, "npy", error, option) from error
