"""Opens the files of Keras: `.keras`, the earlier `.h5`, and the configuration alone as JSON.

Nothing in them is executed, no other file is read through their links, and no more is unpacked than such
a file may hold.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.data.formats.files import UNPACKED_LIMIT
from netspec.interchange.errors import ReadingNeeds
from netspec.interchange.keras.reading.problems import Damaged
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import reason_of
from netspec.language.files.regular_file import Limit, open_regular, read_regular
from netspec.language.lazy import lazy, np

h5py = lazy("h5py")

CONFIG_LIMIT = Limit("NETSPEC_MAX_SPEC_MB", 64, "MB", 10**6)
"""A configuration: the one of a large network has 2 MB."""
NEEDS = "pip install 'netspec-compiler[keras]'"
RATIO = 16
"""Weights may be this many times as large as their file: they hardly compress."""
SPARE = 1 << 24
"""Bytes that small files may have besides, such as zeros."""


@dataclass
class Content:
    """What is in a file: the entry of the model, what it was compiled with, its weights (None without), the version of
    Keras, and what netspec has added."""

    model: dict[str, Any]
    training: dict[str, Any]
    weights: Group | None = None
    version: str = ""
    notes: dict[str, Any] | None = None


class Group:
    """A group of an HDF5 file that is read with care: only what is in the file itself, and not more than fits."""

    def __init__(self, group: Any, budget: list[int]) -> None:
        self._group = group
        self._budget = budget

    def attribute(self, name: str) -> Any:
        """An attribute: text, a number, or a list of texts; None if there is none. Long lists are in several ones."""
        with _h5_errors():
            attributes = self._group.attrs
            if name in attributes:
                value = attributes[name]
                return [_text(item) for item in value] if isinstance(value, np.ndarray) else _text(value)
            if f"{name}0" not in attributes:
                return None
            found: list[Any] = []
            for index in range(len(attributes)):
                if (part := attributes.get(f"{name}{index}")) is None:
                    break
                found += [_text(item) for item in part]
            return found

    def names(self) -> list[str]:
        with _h5_errors():
            return list(self._group)

    def group(self, path: str) -> Group | None:
        """A group inside; None if there is none."""
        found = self._find(path)
        return Group(found, self._budget) if isinstance(found, h5py.Group) else None

    def array(self, path: str) -> Any:
        """An array of numbers; None if there is none."""
        found = self._find(path)
        if not isinstance(found, h5py.Dataset):
            return None
        with _h5_errors():
            if found.external or found.is_virtual:
                raise Damaged(f"the weights `{path}` are in another file")
            if found.dtype.kind not in "fiub":
                raise Damaged(f"the weights `{path}` are not numbers")
            self._budget[0] -= found.nbytes
            if self._budget[0] < 0:
                raise Damaged("the weights are much larger than the file")
            return np.asarray(found[...], np.float32)

    def _find(self, path: str) -> Any:
        """What is at a path, without following links to other places."""
        found = self._group
        with _h5_errors():
            for part in path.split("/"):
                link = found.get(part, getlink=True) if isinstance(found, h5py.Group) and part else None
                if not isinstance(link, h5py.HardLink):
                    return None
                found = found[part]
        return found


def _text(value: Any) -> Any:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


@contextmanager
def _h5_errors() -> Iterator[None]:
    """What the library raises where a file is damaged."""
    try:
        yield
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeDecodeError, AttributeError) as error:
        raise Damaged(f"its HDF5 part is damaged: {reason_of(error)}") from error


@contextmanager
def opened(path: Path, weights: Path | None) -> Iterator[Content]:
    """The content of a file, and of the one that has the weights of a JSON file.

    Raises:
        Damaged: it is not a model of Keras.
        CompileError: h5py is not installed (NS574).
        OSError: it cannot be read.
    """
    with ExitStack() as stack:
        with open_regular(path) as file:
            start = file.read(8)
        if start.startswith(b"PK"):
            content = _archive(path, stack)
        elif start == b"\x89HDF\r\n\x1a\n":
            content = _legacy(path, stack)
        else:
            content = _configuration(_json(read_regular(path, CONFIG_LIMIT)))
        if weights is not None:
            content.weights = _hdf5(open_regular(weights), weights.stat().st_size, stack)
        yield content


def _archive(path: Path, stack: ExitStack) -> Content:
    """A `.keras` file: an archive with the configuration and the weights."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(stack.enter_context(open_regular(path))) as file:
            parts = {name: _member(file, path, name, size) for name in PARTS if name in file.namelist()}
            if "model.weights.json" in file.namelist():
                raise Damaged("its weights are in several parts", "save it without `max_shard_size`")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, OverflowError) as error:
        raise Damaged(f"the archive is damaged: {reason_of(error)}") from error
    if "config.json" not in parts:
        raise Damaged("the archive has no `config.json`")
    content = _configuration(_json(parts["config.json"]))
    if "metadata.json" in parts:
        content.version = str(_json(parts["metadata.json"]).get("keras_version", ""))
    if "netspec.json" in parts:
        content.notes = _json(parts["netspec.json"])
    if "model.weights.h5" in parts:
        content.weights = _hdf5(io.BytesIO(parts["model.weights.h5"]), size, stack)
    return content


PARTS = ("config.json", "metadata.json", "model.weights.h5", "netspec.json")


def _member(file: zipfile.ZipFile, path: Path, name: str, size: int) -> bytes:
    entry = file.getinfo(name)
    UNPACKED_LIMIT.check(path, entry.file_size, "it unpacks to {size}")
    if entry.file_size > RATIO * size + SPARE:
        raise Damaged(f"`{name}` in it is {entry.file_size // size} times as large as the file")
    with file.open(entry) as part:
        return part.read(entry.file_size)


def _legacy(path: Path, stack: ExitStack) -> Content:
    """An HDF5 file with the configuration in an attribute."""
    root = _hdf5(open_regular(path), path.stat().st_size, stack)
    config = root.attribute("model_config")
    if not isinstance(config, str):
        advice = "give the JSON of `model.to_json()` as well: `netspec import model.json model.weights.h5`"
        raise Damaged("it has weights only, and no configuration of a model", advice)
    content = _configuration(_json(config.encode()))
    training = root.attribute("training_config")
    content.training = _json(training.encode()) if isinstance(training, str) else {}
    content.version = str(root.attribute("keras_version") or content.version)
    content.weights = root
    return content


def _hdf5(file: Any, size: int, stack: ExitStack) -> Group:
    try:
        _ = h5py.__version__
    except ModuleNotFoundError:
        raise fail(ReadingNeeds(format="weights of Keras", package="h5py", advice=NEEDS)) from None
    stack.callback(file.close)
    with _h5_errors():
        return Group(stack.enter_context(h5py.File(file, "r")), [RATIO * size + SPARE])


def _configuration(found: dict[str, Any]) -> Content:
    if "class_name" not in found or "config" not in found:
        raise Damaged("it is not the configuration of a model", "it has `class_name` and `config`")
    training = found.get("compile_config")
    return Content(found, training if isinstance(training, dict) else {}, version=str(found.get("keras_version", "")))


def _json(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Damaged(f"its configuration is not JSON: {reason_of(error)}") from error
    if not isinstance(found, dict):
        raise Damaged("its configuration is not an object of JSON")
    return found
