"""The numbers of a file of weights, which has no names: each layer takes its own in the order of the cfg.

The head is three integers of 32 bits for the version, and the number of images seen in the training: in 32 bits, or in
64 from version 0.2 on. Above 1000 the version says that the kernels of dense layers are transposed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.interchange.configs.input_files import read_weights
from netspec.language.lazy import np


class WeightsFile:
    """The numbers that are left of a file."""

    def __init__(self, path: Path) -> None:
        """Open a file.

        Raises:
            CompileError: it cannot be read, or has no head (NS570).
        """
        data, self.file = read_weights(path, "Darknet")
        if len(data) < 16:
            raise self.file.bad(f"it has {len(data)} bytes, and the head alone has at least 16", "download it again")
        major, minor, _ = (int(number) for number in np.frombuffer(data, "<i4", 3))
        has_wide_count = major * 10 + minor >= 2 and major < 1000 and minor < 1000
        self.is_transposed = major > 1000 or minor > 1000
        body = memoryview(data)[20 if has_wide_count else 16 :]
        if len(data) < 20 and has_wide_count:
            raise self.file.bad(f"it has {len(data)} bytes, and the head alone has 20", "download it again")
        if len(body) % 4:
            raise self.file.bad(
                f"after its head it has {len(body):,} bytes, not 4 for each number", "download it again"
            )
        self.numbers = np.frombuffer(body, "<f4")
        self.at = 0

    def take(self, layer: str, *shape: int) -> Any:
        """The next numbers.

        Args:
            layer: the layer that they are for, as messages name it.
            shape: their shape.

        Raises:
            CompileError: the file ends before (NS570).
        """
        count = 1
        for size in shape:
            count *= size
        left = len(self.numbers) - self.at
        if count > left:
            raise self.file.bad(
                f"it is too short: {layer} needs {count:,} numbers after the first {self.at:,}, and {left:,} are left",
                "give the weights of this cfg; those of its first layers only are for a training",
            )
        self.at += count
        return self.numbers[self.at - count : self.at].reshape(shape)

    def check_end(self) -> None:
        """Whether all numbers have been taken.

        Raises:
            CompileError: there are more (NS570).
        """
        count = len(self.numbers)
        if self.at < count:
            reason = f"it is too long: the layers of the cfg need {self.at:,} numbers, and it has {count:,}"
            raise self.file.bad(reason, "give the weights of this cfg")
