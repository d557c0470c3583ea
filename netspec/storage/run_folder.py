"""The folder of a run, `runs/<name>-<n>`.

    spec.net, model.py, …   given by the caller
    settings.json           every setting in force
    metrics.jsonl           one record for each epoch, and one for the end
    weights.safetensors     the best weights (storage/weights.py); weights-epoch5.safetensors: those of `every`
    checkpoints/            everything that is needed to resume
    versions.json           when it was made, and with which packages
    log.txt                 events, with times

A folder is filled under another name and then renamed, so it is complete or absent, and never overwritten.
"""

from __future__ import annotations

import json
import math
import platform
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jax

from netspec._version import __version__
from netspec.language.diagnostics import fail
from netspec.storage import errors
from netspec.storage.atomic_files import append_line, reason_of, replace_file

if TYPE_CHECKING:
    from netspec.storage.tree_paths import Weights


@dataclass(frozen=True)
class Run:
    """A run folder that exists."""

    path: Path

    @classmethod
    def create(
        cls, root: Path, name: str, files: Mapping[str, str], settings: Mapping[str, Any], *, exact: bool = False
    ) -> Run:
        """Make a new folder `<root>/<name>-<n>` with the first free n.

        Args:
            root: the folder of all runs; created when it does not exist.
            name: what is trained.
            files: texts by the names of their files, such as `spec.net`.
            settings: every setting in force, `Recipe.describe()`.
            exact: name it `<root>/<name>`, which must not exist.

        Raises:
            CompileError: it cannot be written (NS477).
        """
        with _writing(root):
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
                return cls(aside.rename(root / name) if exact else _rename_to_free(aside, root, name))
            finally:
                shutil.rmtree(aside, ignore_errors=True)

    @classmethod
    def open(cls, path: Path) -> Run:
        """A folder that `create` has made.

        Raises:
            CompileError: it is not a run folder (NS473).
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
        """Replace metrics.jsonl by these records."""
        lines = [json.dumps(plain(r), ensure_ascii=False) + "\n" for r in records]
        self._replace("metrics.jsonl", "".join(lines).encode())

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        self._replace("settings.json", _pretty(settings).encode())

    def write_text(self, file: str, text: str) -> None:
        """Replace a file of the folder by this text, completely or not at all."""
        self._replace(file, text.encode())

    def write_weights(self, weights: Weights, epoch: int | None = None) -> None:
        """Write weights.safetensors, or those after an epoch to a separate file, completely or not at all."""
        from netspec.storage.weights import weights_file

        name = "weights.safetensors" if epoch is None else f"weights-epoch{epoch}.safetensors"
        self._replace(name, weights_file(weights))

    def _append(self, file: str, line: str) -> None:
        with _writing(self.path / file) as path:
            append_line(path, line)

    def _replace(self, file: str, content: bytes) -> None:
        with _writing(self.path / file) as path:
            replace_file(path, [content])


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """Raises CompileError when what is done inside cannot write to `path` (NS477)."""
    try:
        yield path
    except OSError as error:
        raise fail(errors.CannotWrite(path=str(path), reason=reason_of(error))) from error


def _rename_to_free(aside: Path, root: Path, name: str) -> Path:
    """Rename a filled folder to the first free number; one that another process has just made is skipped."""
    number = 1
    while True:
        target = root / f"{name}-{number}"
        if not target.exists():
            try:
                # Renaming onto a folder with files fails, so of two processes only one gets the name.
                return aside.rename(target)
            except OSError:
                if not target.exists():
                    raise
        number += 1


def checkpoint_file(folder: Path, step: int) -> Path:
    """The file of the checkpoint of a step of the run."""
    return folder / f"step-{step:08d}.safetensors"


def checkpoint_steps(folder: Path) -> list[int]:
    """The steps that have a checkpoint in a folder, oldest first."""
    names = [path.stem.removeprefix("step-") for path in folder.glob("step-*.safetensors")]
    return sorted(int(name) for name in names if name.isdecimal())


@dataclass(frozen=True)
class RunRecord:
    """The content of a run folder: settings, one record for each epoch, and the last record if it was finished (`done`)
    or failed (`failed`, with the code and the message of the error)."""

    path: Path
    settings: dict[str, Any]
    versions: dict[str, Any]
    history: tuple[dict[str, Any], ...]
    done: dict[str, Any] | None
    failed: dict[str, Any] | None = None

    def text(self, file: str) -> str:
        """The text of a file of the folder.

        Raises:
            CompileError: it cannot be read (NS475).
        """
        return _read_text(self.path / file)

    def json(self, file: str) -> dict[str, Any]:
        """The record in a JSON file of the folder.

        Raises:
            CompileError: it cannot be read, or is not a JSON object (NS475).
        """
        return _parse(self.text(file), self.path / file)


def read_run(path: Path) -> RunRecord:
    """The content of a run folder.

    Raises:
        CompileError: it is not a run folder (NS473), or a file is damaged (NS475).
    """
    Run.open(path)
    records = [_parse(line, path / "metrics.jsonl") for line in _whole_lines(_read_text(path / "metrics.jsonl"))]
    return RunRecord(
        path=path,
        settings=_parse(_read_text(path / "settings.json"), path / "settings.json"),
        versions=_parse(_read_text(path / "versions.json"), path / "versions.json"),
        history=tuple(r for r in records if r.get("event") == "epoch"),
        done=next((r for r in records if r.get("event") == "done"), None),
        failed=next((r for r in records if r.get("event") == "failed"), None),
    )


def _whole_lines(text: str) -> list[str]:
    """The lines of a log of records, without a last one that was truncated by a loss of power."""
    lines = text.split("\n")
    return [line for line in lines[:-1] if line]


def versions() -> dict[str, Any]:
    """The time and the versions of a run: packages, Python, the device."""
    device = jax.devices()[0]
    names = ("jax", "jaxlib", "flax", "optax", "numpy")
    return {
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        "netspec": __version__,
        **{name: _version(name) for name in names},
        "python": platform.python_version(),
        "platform": device.platform,
        "device": device.device_kind,
        "devices": jax.device_count(),
    }


def plain(value: Any) -> Any:
    """A value for JSON, where numbers that are not finite become null."""
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
        raise errors.damaged(path, error) from error


def _parse(text: str, path: Path) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except ValueError as error:
        raise errors.damaged(path, error) from error
    if not isinstance(record, dict):
        raise errors.damaged(path, "not a JSON object")
    return record
