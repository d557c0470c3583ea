"""Access to the files of a run folder, which may come from somebody else: no link leads out of it, and only regular
files are opened, so that nothing waits for a pipe or reads a device.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from netspec.language.files.paths import is_file, is_folder
from netspec.language.files.regular_file import Limit, read_regular

FILES = ("settings.json", "versions.json", "metrics.jsonl", "log.txt")
"""The files of every run folder from its creation on; a folder that lacks more than one of them is not a run."""
TEXT_LIMIT = Limit("NETSPEC_MAX_RUN_TEXT_MB", 256, "MB", 10**6)
"""The largest text of a run; a line of metrics.jsonl has a few hundred bytes."""
CHECKPOINTS = "checkpoints"
FILE, FOLDER = ".safetensors", ".orbax"
"""The endings of checkpoints: of a whole state, and of a sharded one."""
LINK = "it is a link out of the run folder"
NOT_A_FILE = "it is not a regular file"


def is_run(path: Path) -> bool:
    """Whether `netspec train` has created this folder; a link to a run is not a run. One of the files may be gone."""
    if not is_folder(path) or path.is_symlink():
        return False
    return sum(os.path.lexists(path / name) for name in FILES) >= len(FILES) - 1


def path_of_run(name: str | Path, folder: Path = Path("runs")) -> Path:
    """The path of a run: the given one, or that of the run with this name in the folder of the runs. Of a name that is
    neither it is the given one."""
    path, named = Path(name), folder / name
    return named if is_run(named) and not is_file(path / "settings.json") else path


def path_of_new_run(name: str | Path, folder: Path = Path("runs")) -> Path:
    """The path of a run that may not exist yet: a name alone is one in the folder of the runs."""
    path = Path(name)
    return folder / path if len(path.parts) == 1 and not path.exists() else path


def check_inside(run: Path, path: Path) -> None:
    """Raises OSError if a file or folder of a run is, or is reached through, a link out of the run folder."""
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(run)):
        raise OSError(errno.EPERM, LINK)


def check_writable(run: Path, path: Path) -> None:
    """Raises OSError if what is written to a file of a run would go elsewhere: through a link, or to a pipe."""
    check_inside(run, path)
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISREG(mode):
        raise OSError(errno.EPERM, NOT_A_FILE)


def read_inside(run: Path, path: Path) -> bytes:
    """The content of a file of a run folder.

    Raises:
        OSError: it cannot be read, is not a regular file, too large, or a link out of the folder.
    """
    check_inside(run, path)
    return read_regular(path, TEXT_LIMIT)


def log_lines(run: Path) -> list[str]:
    """The lines of the log of a run, as far as it can be read."""
    try:
        return read_inside(run, run / "log.txt").decode(errors="replace").splitlines()
    except OSError:
        return []


def checkpoint_file(folder: Path, step: int) -> Path:
    """The file of the checkpoint of a step of the run."""
    return folder / f"step-{step:08d}{FILE}"


def checkpoint_folder(folder: Path, step: int) -> Path:
    """The folder of the checkpoint of a step of a run whose state is sharded."""
    return folder / f"step-{step:08d}{FOLDER}"


def checkpoints_in(folder: Path) -> list[Path]:
    """The checkpoints in a folder, files and folders, oldest first."""
    found = [path for suffix in (FILE, FOLDER) for path in folder.glob(f"step-*{suffix}")]
    return sorted((path for path in found if path.stem.removeprefix("step-").isdecimal()), key=_order)


def step_of(checkpoint: Path) -> int:
    """The step of the run that a checkpoint is of."""
    return int(checkpoint.stem.removeprefix("step-"))


def checkpoint_steps(folder: Path) -> list[int]:
    """The steps that have a checkpoint in a folder, oldest first."""
    return list(dict.fromkeys(step_of(path) for path in checkpoints_in(folder)))


def is_checkpoint_folder(checkpoint: Path) -> bool:
    """Whether a checkpoint is a folder, as of a sharded state."""
    return checkpoint.suffix == FOLDER


def _order(checkpoint: Path) -> tuple[int, str]:
    return step_of(checkpoint), checkpoint.suffix


# ---------------------------------------------------------------- several runs in a folder


SEEDS = "seeds.json"
"""The file of a folder of runs with several seeds; it contains a run folder for each seed."""
FOLDS = "folds.json"
"""The same for the folds of a cross-validation."""
SWEEP = "sweep.json"
"""The same for the runs of a sweep, each with other values."""
REPEATED = {"seed": SEEDS, "fold": FOLDS, "run": SWEEP}
"""What tells the runs in a folder apart, and the file that says so; their folders are `seed-0`, `fold-1`, `run-1`, …"""
SEARCH = "search.json"
"""The file of the folder of a search (`netspec tune`), with how far it is."""


def repeated_by(path: Path) -> str | None:
    """What tells the runs in a folder of several apart, `seed`, `fold` or `run`; None for a usual run."""
    return next((noun for noun, file in REPEATED.items() if is_file(path / file)), None)


def member_folders(path: Path) -> list[Path]:
    """The runs in a folder of several; nothing for a usual run."""
    noun = repeated_by(path)
    return [] if noun is None else sorted(path.glob(f"{noun}-*"), key=lambda run: natural_order(run.name))


def distinct_names(folders: Sequence[Path]) -> list[str]:
    """The names of folders, each with as many of those that it is in as tell it from the others; one of several seeds
    or folds has that of its run, except beside its own kind. A folder that is given twice has its name twice."""
    paths = [folder.resolve().parts for folder in folders]
    different = {*paths}
    are_of_one = len({path[:-1] for path in paths}) == 1 and len(different) > 1

    def name(folder: Path, path: tuple[str, ...]) -> str:
        first = 2 if not are_of_one and repeated_by(folder.resolve().parent) is not None else 1
        alike = range(first, len(path) + 1)
        return "/".join(path[-next(n for n in alike if sum(one[-n:] == path[-n:] for one in different) == 1) :])

    return [name(folder, path) for folder, path in zip(folders, paths, strict=True)]


def natural_order(name: str) -> tuple[str, int]:
    """digits-2 before digits-10."""
    stem, _, number = name.rpartition("-")
    return stem, int(number) if number.isdecimal() else 0
