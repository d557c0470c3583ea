"""NS514 to NS516: data that are read while training runs."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class CannotStream(Diagnostic):
    """With `stream = true` the examples are read while training runs, and only some of them are in memory. That takes
    files in which each example has its place: `npy`, `idx` that is not packed, `cifar10` in a folder, `images`.
    """

    code = "NS514"
    title = "the examples of `{source}` cannot be read one by one"
    label = "{reason}"
    source: str
    reason: str = "its examples have no place of their own"
    advice: str = "remove the line, or use `npy`, `idx` (not packed), `cifar10` (unpacked) or `images`"


class CannotReadOn(Diagnostic):
    """Data that are too large for memory are read while training runs. A file that was there when it began has gone,
    has become shorter, or cannot be read. The run keeps its last checkpoint: once the file is back, `netspec resume`
    goes on from there with the same numbers.
    """

    code = "NS515"
    title = "the data cannot be read any more: {file}: {reason}"
    file: str
    reason: str


class Streamed(Diagnostic):
    """Data that are larger than a share of the memory or for which `stream = true` is written, are
    read while training runs; the results are the same as in memory, to the last bit. Not everything is looked at
    beforehand: numbers are checked block by block, of images in folders only a part is opened, and equal examples in
    two parts are not looked for.
    """

    severity: ClassVar[str] = "warning"
    code = "NS516"
    title = "{size} of examples are read while training runs; {checked}"
    size: str
    checked: str
    advice: str = "with enough memory, `stream = false` in the section `data` checks everything and is faster"
