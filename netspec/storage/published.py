"""A model that `netspec export --to huggingface` has written, read as the run that it is from.

    config.json                what the network is and where it is from; the Hub reads the first keys
    model.net                  the spec
    preprocessor_config.json   how examples become inputs, and outputs become names
    model.safetensors          the weights

Input: such a folder, or a snapshot of one in the cache of `huggingface_hub`. Output: texts of a run folder by the names
that they have there, so that whatever reads runs reads these folders too.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from netspec.language.diagnostics import fail
from netspec.language.files.paths import is_file
from netspec.language.files.regular_file import read_regular
from netspec.language.record import Frozen
from netspec.language.text import json_line, json_text
from netspec.storage import errors
from netspec.storage.records import checksum, parse_record, typed
from netspec.storage.run_files import LINK, TEXT_LIMIT

CONFIG = "config.json"
SPEC = "model.net"
PREPROCESSING = "preprocessor_config.json"
WEIGHTS = "model.safetensors"
MODEL_TYPE = "netspec"
KEY = "netspec"
"""The key of `config.json` and of `preprocessor_config.json` below which netspec reads."""


class PublishedRun(Frozen):
    """What `config.json` keeps of a run, below `netspec`; `checksums` are those of the other texts."""

    spec: dict[str, Any]
    settings: dict[str, Any]
    versions: dict[str, Any]
    done: dict[str, Any] | None = None
    checksums: dict[str, str] = {}


def is_published(path: Path) -> bool:
    """Whether a folder is an exported model; a run folder, which has settings, is not."""
    return is_file(path / CONFIG) and not is_file(path / "settings.json")


def spec_file(run: Path) -> str:
    """The name of the spec in a run folder, or in an exported model."""
    return SPEC if is_published(run) else "spec.net"


def weights_in(run: Path) -> Path:
    """The file with the weights of a run folder, or of an exported model."""
    return run / (WEIGHTS if is_published(run) else "weights.safetensors")


def published_text(path: Path, file: str) -> str:
    """The text that a run folder has in a file.

    Raises:
        CompileError: it is a model of another program (NS473), it cannot be read, or was changed (NS475).
    """
    run = _published_run(path)
    if file == "spec.net":
        return _text(path, SPEC, run.checksums)
    if file == "coding.json":
        record = parse_record(_text(path, PREPROCESSING, run.checksums), path / PREPROCESSING)
        return json_text(typed(record.get(KEY), dict[str, Any], path / PREPROCESSING))
    if file == "metrics.jsonl":
        return "" if run.done is None else json_line(run.done) + "\n"
    texts: dict[str, Mapping[str, Any]] = {
        "spec.json": {**run.spec, "folder": str(path), "given_from": None},  # data are named from the folder
        "settings.json": run.settings,
        "versions.json": run.versions,
    }
    if file not in texts:
        raise errors.damaged(path / file, "an exported model does not have it")
    return json_text(texts[file])


def has_text(path: Path, file: str) -> bool:
    """Whether a run, or an exported model, has a file that is not in all of them."""
    return file == "spec.json" if is_published(path) else os.path.lexists(path / file)


def _published_run(path: Path) -> PublishedRun:
    record = parse_record(_text(path, CONFIG, {}), path / CONFIG)
    if record.get("model_type") != MODEL_TYPE:
        kind = str(record.get("model_type", "another program"))[:80]
        raise fail(errors.NoRun(run=str(path), reason=f"its config.json is that of a model of `{kind}`"))
    return typed(record.get(KEY), PublishedRun, path / CONFIG)


def _text(path: Path, file: str, checksums: Mapping[str, str]) -> str:
    try:
        check_readable(path, path / file)
        content = read_regular(path / file, TEXT_LIMIT)
    except OSError as error:
        raise errors.damaged(path / file, error) from error
    if checksum(content) != checksums.get(file, checksum(content)):
        raise errors.damaged(path / file, f"it was changed: its checksum is not that in {CONFIG}")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise errors.damaged(path / file, error) from error


def check_readable(folder: Path, path: Path) -> None:
    """Raises OSError if a file is a link out of the folder of an exported model. In the cache of `huggingface_hub`
    every file of a snapshot is a link to the folder `blobs` beside the snapshots, which is allowed."""
    real, home = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    is_cached = home.parent.name == "snapshots" and real.parent == home.parent.parent / "blobs"
    if not (is_cached or real.is_relative_to(home)):
        raise OSError(errno.EPERM, LINK)
