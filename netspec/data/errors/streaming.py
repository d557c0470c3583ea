"""NS514 to NS516: data that are read while training runs."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class CannotStream(Diagnostic):
    """With `stream = true` examples are read during training, and only some of them are in memory. That needs files
    with random access: `npy`, uncompressed `idx`, `cifar10` in a folder, `images`.
    """

    code = "NS514"
    title = "the examples of `{source}` cannot be read one by one"
    label = "{reason}"
    source: str
    reason: str = "no random access to its examples"
    advice: str = "remove the line, or use `npy`, `idx` (uncompressed), `cifar10` (unpacked) or `images`"


class CannotReadOn(Diagnostic):
    """Data that are too large for memory are read during training. A file that existed at the start is gone, has become
    shorter, or cannot be read. The run keeps its last checkpoint: once the file is restored, `netspec train --resume`
    continues from there with the same numbers.
    """

    code = "NS515"
    title = "the data can no longer be read: {file}: {reason}"
    hint = "restore the file, then continue with `netspec train --resume RUN`"
    file: str
    reason: str


class Streamed(Diagnostic):
    """Data that are larger than a fraction of the memory, or with `stream = true`, are read during training; the
    results are the same as in memory, bit for bit. Not everything is checked beforehand: numbers are checked block by
    block, only some of the images in folders are opened, and duplicates between splits are not searched for.
    """

    severity: ClassVar[str] = "warning"
    code = "NS516"
    title = "{size} of examples are read during training; {checked}"
    size: str
    checked: str
    advice: str = "with enough memory, `stream = false` in the `data` section checks everything and is faster"
