"""The folder of a run, `runs/<name>-<n>`, which explains itself.

    spec.net, model.py, …   given by the caller
    settings.json           every setting in force
    metrics.jsonl           one record for each epoch, and one for the end
    weights.safetensors     the weights that are kept (train/weights.py)
    checkpoints/            everything that is needed to go on
    versions.json           what it was made with
    log.txt                 what happened, with times

A folder is filled under another name and then renamed, so it is there as a whole or not at all, and never written over.
"""

from __future__ import annotations

import json
import math
import platform
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netspec.__about__ import __version__
from netspec.diagnostics import fail
from netspec.train import errors

if TYPE_CHECKING:
    from netspec.train.evaluate import Weights


@dataclass(frozen=True)
class Run:
    """A run folder that exists."""

    path: Path

    @classmethod
    def create(cls, root: Path, name: str, files: Mapping[str, str], settings: Mapping[str, Any]) -> Run:
        """Make a new folder `<root>/<name>-<n>` with the first free n.

        Args:
            root: the folder of all runs; it is made when it is not there.
            name: what is trained.
            files: texts by the names of their files, such as `spec.net`.
            settings: every setting in force, `Recipe.describe()`.

        Raises:
            CompileError: it cannot be written (NS477).
        """
        try:
            root.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
            try:
                aside.chmod(0o755)
                for file, text in files.items():
                    (aside / file).write_text(text, encoding="utf-8")
                (aside / "settings.json").write_text(_pretty(settings), encoding="utf-8")
                (aside / "versions.json").write_text(_pretty(versions()), encoding="utf-8")
                (aside / "metrics.jsonl").touch()
                (aside / "log.txt").touch()
                return cls(_rename_to_free(aside, root, name))
            finally:
                shutil.rmtree(aside, ignore_errors=True)
        except OSError as error:
            raise fail(errors.CannotWrite(path=str(root), reason=error.strerror or str(error))) from error

    @classmethod
    def open(cls, path: Path) -> Run:
        """A folder that `create` has made.

        Raises:
            CompileError: it is none (NS473).
        """
        if not path.is_dir():
            raise fail(errors.NoRun(run=str(path), reason="there is no such folder"))
        if not (path / "settings.json").is_file():
            raise fail(errors.NoRun(run=str(path), reason="it has no settings.json"))
        return cls(path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    def log(self, message: str) -> None:
        """Add a line with the time to log.txt."""
        self._append("log.txt", f"{datetime.now(UTC).isoformat(timespec='seconds')} {message}")

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Add a record to metrics.jsonl."""
        self._append("metrics.jsonl", json.dumps(plain(record), ensure_ascii=False))

    def write_history(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Make metrics.jsonl hold these records and no others."""
        lines = [json.dumps(plain(r), ensure_ascii=False) + "\n" for r in records]
        self._replace("metrics.jsonl", "".join(lines).encode())

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        self._replace("settings.json", _pretty(settings).encode())

    def write_weights(self, weights: Weights) -> None:
        """Write weights.safetensors, as a whole or not at all."""
        from netspec.train.weights import weights_file

        self._replace("weights.safetensors", weights_file(weights))

    def _append(self, file: str, line: str) -> None:
        try:
            with (self.path / file).open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            raise fail(errors.CannotWrite(path=str(self.path / file), reason=str(error.strerror))) from error

    def _replace(self, file: str, content: bytes) -> None:
        aside = self.path / f".{file}.tmp"
        try:
            aside.write_bytes(content)
            aside.replace(self.path / file)
        except OSError as error:
            raise fail(errors.CannotWrite(path=str(self.path / file), reason=str(error.strerror))) from error


def _rename_to_free(aside: Path, root: Path, name: str) -> Path:
    """Rename a filled folder to the first free number; a folder that another start has just made is passed over."""
    number = 1
    while True:
        target = root / f"{name}-{number}"
        if not target.exists():
            try:
                # Renaming onto a folder that holds files fails, so of two starts at once only one gets the name.
                return aside.rename(target)
            except OSError:
                if not target.exists():
                    raise
        number += 1


@dataclass(frozen=True)
class RunRecord:
    """What a run folder says: its settings, one record for each epoch, and the last record if it was finished."""

    path: Path
    settings: dict[str, Any]
    versions: dict[str, Any]
    history: tuple[dict[str, Any], ...]
    done: dict[str, Any] | None

    def text(self, file: str) -> str:
        """The text of a file of the folder.

        Raises:
            CompileError: it cannot be read (NS475).
        """
        return _read_text(self.path / file)

    def json(self, file: str) -> dict[str, Any]:
        """The record in a JSON file of the folder.

        Raises:
            CompileError: it cannot be read, or holds no record (NS475).
        """
        return _parse(self.text(file), self.path / file)


def read_run(path: Path) -> RunRecord:
    """Read a run folder back.

    Raises:
        CompileError: it is none (NS473), or a file is damaged (NS475).
    """
    run = Run.open(path)
    records = [
        _parse(line, path / "metrics.jsonl") for line in _read_text(run.path / "metrics.jsonl").splitlines() if line
    ]
    return RunRecord(
        path=path,
        settings=_parse(_read_text(path / "settings.json"), path / "settings.json"),
        versions=_parse(_read_text(path / "versions.json"), path / "versions.json"),
        history=tuple(r for r in records if r.get("event") == "epoch"),
        done=next((r for r in records if r.get("event") == "done"), None),
    )


def versions() -> dict[str, Any]:
    """What a run is made with: packages, Python, the device."""
    import jax

    device = jax.devices()[0]
    names = ("jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy")
    return {
        "netspec": __version__,
        **{name: _version(name) for name in names},
        "python": platform.python_version(),
        "platform": device.platform,
        "device": device.device_kind,
        "devices": jax.device_count(),
    }


def plain(value: Any) -> Any:
    """A value for JSON, which has no word for numbers that are not finite: they become null."""
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _pretty(value: Any) -> str:
    return json.dumps(plain(value), indent=2, ensure_ascii=False) + "\n"


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise fail(errors.DamagedFile(file=str(path), reason=reason)) from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise fail(errors.DamagedFile(file=str(path), reason=str(error))) from error
    if not isinstance(found, dict):
        raise fail(errors.DamagedFile(file=str(path), reason="it holds no record"))
    return found
