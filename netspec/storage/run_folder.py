"""The folder of a run, `runs/<name>-<n>`.

    spec.net, model.py, …   given by the caller
    settings.json           every setting in force
    checksums.json          those of the texts (storage/checksums.py)
    metrics.jsonl           one record for each epoch, and one for the end
    weights.safetensors     the best weights (storage/weights.py); weights-epoch5.safetensors: those of `every`
    checkpoints/            everything that is needed to resume
    versions.json           when it was made, and with which packages
    log.txt                 events, with times
    report.html             a page about it, which `netspec train` writes

A folder is filled under another name and then renamed, so it is complete or absent, and never overwritten.
"""

from __future__ import annotations

import errno
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
from typing import TYPE_CHECKING, Any, TypeVar

import jax

from netspec._version import __version__
from netspec.language.corrections import MAX_NAMES, nearest
from netspec.language.diagnostics import fail
from netspec.language.files.atomic_files import append_line, reason_of, replace_file
from netspec.language.files.paths import is_file, is_folder
from netspec.language.record import Frozen
from netspec.language.text import encodable, json_line, json_text
from netspec.storage import errors
from netspec.storage.checksums import CHECKSUMS, checksum, checksums_text, is_sealed, read_checksums, read_text, seal
from netspec.storage.published import is_published
from netspec.storage.records import parse_record, typed
from netspec.storage.run_files import CHECKPOINTS, check_writable, read_inside

if TYPE_CHECKING:
    from netspec.storage.tree_paths import Weights

T = TypeVar("T")

METRICS = "metrics.jsonl"
MAX_SHOWN = 12
"""Runs that a message names."""
MAX_NAME = 200
"""Bytes of the name of a spec in that of a run; file systems take 255, and a number and a temporary name are added."""


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
            if "\0" in str(root):
                raise OSError(errno.EINVAL, "its name has a NUL character")
            name = _fitting(name)
            root.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=f".{name}-", dir=root))
            try:
                aside.chmod(0o755)
                texts = {**files, "settings.json": _pretty(settings), "versions.json": _pretty(versions())}
                listed = {file: (checksum(text.encode()),) for file, text in texts.items()}
                for file, text in {**texts, CHECKSUMS: checksums_text(listed)}.items():
                    (aside / file).write_bytes(text.encode())
                (aside / METRICS).touch()
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
        if not is_folder(path) or not is_file(path / "settings.json"):
            raise fail(no_run(path))
        return cls(path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def checkpoints(self) -> Path:
        return self.path / CHECKPOINTS

    def log(self, message: str) -> None:
        """Add a line with the time to log.txt."""
        self._append("log.txt", f"{datetime.now(UTC).isoformat(timespec='seconds')} {encodable(message)}")

    def add_record(self, record: Mapping[str, Any]) -> None:
        """Add a record to metrics.jsonl."""
        self._append(METRICS, _line(record))

    def write_history(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Replace metrics.jsonl by these records."""
        self._replace(METRICS, "".join(_line(record) + "\n" for record in records).encode())

    def write_settings(self, settings: Mapping[str, Any]) -> None:
        self.write_text("settings.json", _pretty(settings))

    def write_text(self, file: str, text: str) -> None:
        """Replace a file of the folder by this text, completely or not at all.

        Its checksum is written first, beside that of the text that it replaces, not the last one listed where an
        earlier call was interrupted: whenever this is interrupted, one of them is right.
        """
        content = text.encode()
        listed = read_checksums(self.path)
        if listed is not None:
            now = checksum((self.path / file).read_bytes()) if (self.path / file).exists() else None
            before = [known for known in listed.get(file, ()) if known == now != checksum(content)]
            listed = {**listed, file: (checksum(content), *before)}
            self._replace(CHECKSUMS, checksums_text(listed).encode())
        self._replace(file, content)

    def write_weights(self, weights: Weights, epoch: int | None = None) -> None:
        """Write weights.safetensors, or those after an epoch to a separate file, completely or not at all."""
        from netspec.storage.weights import weights_parts

        name = "weights.safetensors" if epoch is None else f"weights-epoch{epoch}.safetensors"
        self._replace(name, *weights_parts(weights))

    def write_report(self, page: str) -> None:
        """Write report.html, which is for reading: it has no checksum, and is never read back."""
        self._replace("report.html", page.encode())

    def add_checksums(self) -> None:
        """Give a run from before netspec 0.1.0, whose metrics are written anew, the checksums that runs have since."""
        if (self.path / CHECKSUMS).exists():
            return
        from netspec.storage.weights import add_checksum

        for weights in self.path.glob("weights*.safetensors"):
            with _writing(weights):
                check_writable(self.path, weights)
                add_checksum(weights)
        files = [path for path in self.path.iterdir() if path.suffix in (".json", ".net") and path.is_file()]
        texts = {path.name: (checksum(read_inside(self.path, path)),) for path in files}
        self._replace(CHECKSUMS, checksums_text(texts).encode())

    def _append(self, file: str, line: str) -> None:
        with _writing(self.path / file) as path:
            check_writable(self.path, path)
            append_line(path, line)

    def _replace(self, file: str, *parts: bytes | memoryview) -> None:
        with _writing(self.path / file) as path:
            replace_file(path, parts)


def no_run(path: Path) -> errors.NoRun:
    """What a path is that is not a run folder, and the runs that may be meant: in it, around it, or in `runs/`."""
    reason = "there is no such folder"
    if is_file(path):
        reason = "it is a file"
        if is_file(path.parent / "settings.json"):
            return errors.NoRun(run=str(path), reason=reason, advice=f"give its folder: `{path.parent}`")
        if path.suffix == ".net":
            return errors.NoRun(
                run=str(path), reason="it is a spec", advice=f"`netspec train {path}` makes a run of it"
            )
    elif is_published(path):
        return errors.NoRun(run=str(path), reason="it is an exported model, which has no checkpoints")
    elif is_folder(path):
        reason = "it has no settings.json"
        if runs := [str(run) for run in _runs_in(path)]:
            some = ", ".join([*runs[:MAX_NAMES], *(["…"] if len(runs) > MAX_NAMES else [])])
            return errors.NoRun(run=str(path), reason="it is the folder of runs", advice=f"give one of {some}")
    around = [str(run) for run in (*_runs_in(path.parent), *_runs_in(path.parent / "runs"))]
    near = nearest(path.name, [Path(run).name for run in around])
    if near is not None:
        meant = next(run for run in around if Path(run).name == near)
        return errors.NoRun(run=str(path), reason=reason, advice=f"did you mean `{meant}`?")
    return errors.NoRun(run=str(path), reason=reason)


def _runs_in(folder: Path) -> list[Path]:
    """The runs in a folder, the last ones first, and not too many for a message."""
    try:
        found = [path for path in folder.iterdir() if is_file(path / "settings.json")]
    except (OSError, ValueError):
        return []
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)[:MAX_SHOWN]


@contextmanager
def _writing(path: Path) -> Iterator[Path]:
    """Raises CompileError when what is done inside cannot write to `path` (NS477)."""
    try:
        yield path
    except OSError as error:
        raise fail(errors.CannotWrite(path=str(path), reason=reason_of(error))) from error


def _fitting(name: str) -> str:
    """A name of a folder, as far as file systems take it; with a number after it, and a temporary one before."""
    content = name.replace("\0", "").replace("/", "-").encode("utf-8", "backslashreplace")
    return content[:MAX_NAME].decode(errors="ignore")


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


class EpochRecord(Frozen):
    """An epoch in metrics.jsonl, as far as it is read back."""

    epoch: int
    loss: float | None = None
    metrics: dict[str, Any] = {}
    seconds: float = 0.0


class DoneRecord(Frozen):
    """The record of a finished run."""

    epochs: int
    metrics: dict[str, Any]
    seconds: float
    best_epoch: int | None = None
    thresholds: dict[str, float] = {}
    margins: dict[str, tuple[float, ...]] = {}


class FailedRecord(Frozen):
    """The record of a run that ended with an error."""

    code: str
    message: str


EVENTS: Mapping[str, type[EpochRecord | DoneRecord | FailedRecord]] = {
    "epoch": EpochRecord,
    "done": DoneRecord,
    "failed": FailedRecord,
}


@dataclass(frozen=True)
class RunRecord:
    """The content of a run folder: settings, one record for each epoch, and the last record if it was finished (`done`)
    or failed (`failed`, with the code and the message of the error). The keys of `EVENTS` are there, with their types.
    """

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
        return read_text(self.path, file)

    def json(self, file: str) -> dict[str, Any]:
        """The record in a JSON file of the folder.

        Raises:
            CompileError: it cannot be read, or is not a JSON object (NS475).
        """
        return parse_record(self.text(file), self.path / file)

    def read(self, file: str, kind: type[T]) -> T:
        """The record in a JSON file of the folder as an instance of a type.

        Raises:
            CompileError: it cannot be read, a key is missing, or has a value of another type (NS475).
        """
        return typed(self.json(file), kind, self.path / file)


def read_run(path: Path) -> RunRecord:
    """The content of a run folder.

    Raises:
        CompileError: it is not a run folder (NS473), or a file is damaged (NS475).
    """
    if not is_published(path):
        Run.open(path)
    records = _read_metrics(path)
    found = RunRecord(
        path=path,
        settings=parse_record(read_text(path, "settings.json"), path / "settings.json"),
        versions=parse_record(read_text(path, "versions.json"), path / "versions.json"),
        history=tuple(r for r in records if r.get("event") == "epoch"),
        done=next((r for r in records if r.get("event") == "done"), None),
        failed=next((r for r in records if r.get("event") == "failed"), None),
    )
    best = (found.done or {}).get("best_epoch") or 1
    if found.done is not None and found.history and not 1 <= best <= len(found.history):
        raise errors.damaged(path / METRICS, f"`best_epoch` is {best}, and it has {len(found.history)} epochs")
    return found


def _read_metrics(run: Path) -> list[dict[str, Any]]:
    """The records of metrics.jsonl; a last line that was truncated by a loss of power does not count."""
    file = run / METRICS
    is_checked = (run / CHECKSUMS).exists()
    *lines, rest = read_text(run, METRICS).split("\n")
    if is_sealed(rest) or is_sealed(rest[:-1]):  # only its end is missing, or was changed
        lines.append(rest)
    records = []
    for line in filter(None, lines):
        if is_checked and not is_sealed(line):
            raise errors.changed(file)
        record = parse_record(line, file)
        record.pop("crc32", None)
        event = record.get("event")
        if isinstance(event, str) and event in EVENTS:
            typed(record, EVENTS[event], file)
        records.append(record)
    return records


def _line(record: Mapping[str, Any]) -> str:
    return seal(json_line(plain(record)))


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
    return json_text(plain(value))
