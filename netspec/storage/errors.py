"""NS470 to NS479, NS490 to NS499 and NS550: runs that are resumed, interrupted, damaged, or cannot be written."""

from __future__ import annotations

from pathlib import Path

from netspec.language.diagnostics import CompileError, Diagnostic, fail


class NoCheckpoint(Diagnostic):
    """The run to resume has no checkpoint."""

    code = "NS470"
    title = "`{run}` has no checkpoint to resume from"
    hint = "start again with `netspec train`"
    run: str


class NoUsableCheckpoint(Diagnostic):
    """Every checkpoint of the run is damaged: files are missing or truncated."""

    code = "NS471"
    title = "no checkpoint of `{run}` can be read: {reason}"
    hint = "start again with `netspec train`; `weights.safetensors` in the run may still hold the best weights"
    run: str
    reason: str


class OlderCheckpoint(Diagnostic):
    """The newest checkpoint of the run is damaged, so an older one is used; the steps after it are repeated."""

    code = "NS472"
    severity = "warning"
    title = "the checkpoint of step {damaged} cannot be read ({reason}); resuming from step {used}"
    hint = "the steps between are repeated, with the same result"
    damaged: int
    used: int
    reason: str


class NoRun(Diagnostic):
    """The folder is not a run folder."""

    code = "NS473"
    title = "`{run}` is not a run folder: {reason}"
    run: str
    reason: str
    advice: str = "give a folder made by `netspec train`, such as runs/digits-1"


class OtherNet(Diagnostic):
    """The saved weights do not belong to this network."""

    code = "NS474"
    title = "`{source}` does not belong to this network: {reason}"
    hint = "use the spec of the run, or start a new run"
    source: str
    reason: str


class DamagedFile(Diagnostic):
    """A file of the run is missing, truncated or changed.

    Every file that is read back has a checksum: weights and checkpoints in their header, each line of `metrics.jsonl`
    at its end, and the others in `checksums.json`. Where that file is missing, as in runs from before netspec 0.1.0,
    texts are not checked; remove it after you have changed a file of a run on purpose. Links out of a run folder are
    not followed, and only regular files are read.
    """

    code = "NS475"
    title = "`{file}` cannot be read: {reason}"
    hint = {
        "": "copy the run again, or train again",
        "changed": "copy the run again; if the file was changed on purpose, remove `{manifest}`",
        "weights": "`{checkpoint}` still holds the weights: `netspec train --resume {run}` writes them again",
        "meaning": "remove the file: it is computed again from the spec",
    }
    file: str
    reason: str
    run: str = ""
    checkpoint: str = ""
    manifest: str = ""


def damaged(path: Path, reason: Exception | str) -> CompileError:
    """What to raise when a file of a run cannot be read (NS475)."""
    reason = getattr(reason, "strerror", None) or str(reason)
    return fail(DamagedFile(file=str(path), case="meaning" if path.name == "meaning.json" else "", reason=reason))


def changed(path: Path) -> CompileError:
    """What to raise when the checksum of a file of a run does not match (NS475)."""
    case = "meaning" if path.name == "meaning.json" else "changed"
    manifest, reason = str(path.parent / "checksums.json"), "it was changed: its checksum does not match"
    return fail(DamagedFile(file=str(path), case=case, reason=reason, manifest=manifest))


class NoChecksum(Diagnostic):
    """The weights come from a file that another tool has written, so damage to it cannot be noticed.

    Files that netspec writes have a checksum over every byte. Compare the file with the checksum that its publisher
    gives (`sha256sum`), if there is one.
    """

    code = "NS556"
    severity = "warning"
    title = {
        "": "`{file}` has no checksum, so damage to it would not be noticed",
        "shards": "the files of `{file}` have no checksum, so damage to them would not be noticed",
    }
    hint = "compare it with the checksum that its publisher gives, such as `sha256sum {file}`"
    file: str


class OtherSettings(Diagnostic):
    """The settings or data differ from those that the run was started with.

    Only `epochs` may change when a run is resumed: anything else would mix two runs.
    """

    code = "NS476"
    title = "the run was started with other settings: {changes}"
    hint = "only `epochs`, `devices` and `mesh` may change when a run is resumed; start a new run for other changes"
    changes: str


class CannotWrite(Diagnostic):
    """A folder or a file cannot be written: no space, no permission, a missing folder, or a file of that name."""

    code = "NS477"
    title = "cannot write `{path}`: {reason}"
    hint = "choose another folder, or free some space"
    path: str
    reason: str


class OtherData(Diagnostic):
    """The examples differ from those that the run was started with, though their number is the same.

    Every checkpoint has a checksum over the training, validation and test examples. Files may be moved (`--data` gives
    their new place) as long as their contents are the same.
    """

    code = "NS478"
    title = {
        "": "the examples differ from those that the run was started with",
        "several": "the examples differ from those that `{run}` was started with",
    }
    hint = {
        "": "restore the data of the run, or start a new run with `netspec train`",
        "several": "restore them, or start again with `{command}`",
    }
    run: str = ""
    command: str = ""


class ChangedData(Diagnostic):
    """A run is shown or evaluated with other examples than those that it was trained on: a file was changed, or other
    arrays were given. What is computed from them is about the data as they are now, and test examples may be ones that
    the run was trained on.
    """

    code = "NS566"
    severity = "warning"
    title = {
        "counts": "the data have changed since `{run}` was trained: {counts}",
        "unfit": "the data have changed since `{run}` was trained, and do not fit it: {counts}",
        "": "the data have changed since `{run}` was trained: as many examples, with other values",
    }
    hint = "restore the data of the training, or train again; what is computed from data is about those of today"
    run: str
    counts: str = ""


class CheckpointNotWritten(Diagnostic):
    """A checkpoint cannot be written during training: the disk is full, or the folder is no longer writable.

    Training stops. Earlier checkpoints are intact, and `netspec train --resume RUN` resumes from the last one, with the
    same numbers as an uninterrupted run.
    """

    code = "NS490"
    title = "the checkpoint of step {step} cannot be written: {reason}"
    hint = {
        "first": "nothing was saved yet; free some space, and start again",
        "": "free some space, then continue from step {last} with `netspec train --resume {run}`",
    }
    step: int
    reason: str
    run: str
    last: int


class RunIsBusy(Diagnostic):
    """The run to resume or remove is still being trained by another process."""

    code = "NS491"
    title = "`{run}` is being trained{process}"
    hint = "wait until it ends, or stop it with Ctrl-C and resume it later"
    run: str
    process: str


class StartsAgain(Diagnostic):
    """The run to resume was stopped before anything was saved. It starts from the beginning in the same folder, with
    the same numbers, since everything is determined by the seed.
    """

    code = "NS492"
    severity = "warning"
    title = "`{run}` was stopped before anything was saved, so it starts from the beginning"
    hint = "`--save-every 1` saves a checkpoint every second"
    run: str


class LongerSchedule(Diagnostic):
    """A run is resumed for more epochs, and its schedule spans all epochs, so the learning rate changes from here on.
    In a run with this number of epochs from the start, the earlier rates would differ, too.
    """

    code = "NS493"
    severity = "warning"
    title = (
        "`{schedule}` spans all epochs: with {now} epochs instead of {before}, the learning rates change from here on"
    )
    hint = "to get the result of {now} epochs from the start, start a new run"
    schedule: str
    before: int
    now: int


class OtherSpec(Diagnostic):
    """The spec differs in meaning from the one that the run was started with.

    The meaning is compared: layers with their options and connections, settings, data. Formatting, comments and names
    of params may change, as may `train.epochs` and `expect`; the data may be moved, as long as they are the same.
    """

    code = "NS494"
    title = "{what} differs from the one that `{run}` was started with:{changes}"
    hint = {
        "": "only `epochs`, `devices` and `mesh` may change when a run is resumed; start a new run for other changes",
        "search": "nothing that a trial trains may change: begin a new search",
    }
    what: str
    run: str
    changes: str


class NoSuchMetric(Diagnostic):
    """None of the runs has the metric to compare them by."""

    code = "NS495"
    title = "no run has a metric `{metric}`"
    metric: str


class SeveralFolds(Diagnostic):
    """The folder holds the runs of a cross-validation, and one of them is needed: only evaluation and prediction take
    all of them, as an ensemble."""

    code = "NS604"
    title = {
        "": "`{run}` holds {count} folds, not one run",
        "unfinished": "the cross-validation in `{run}` is not finished",
    }
    hint = {
        "": "give one of them, such as `{run}/{first}`\n`netspec runs --runs {run}` lists them with their metrics",
        "unfinished": "complete it with `netspec train --resume {run}`, or give a fold of it, such as `{run}/{first}`",
    }
    run: str
    count: int
    first: str


class SeveralRuns(Diagnostic):
    """The folder holds several runs, and one of them is needed: runs that differ in their seed (`train.seeds`), those
    of a sweep (`netspec train --sweep`), or a search (`netspec tune`), whose best spec is trained with several seeds.
    """

    code = "NS554"
    title = {
        "": "`{run}` holds {count} runs with different seeds, not one",
        "run": "`{run}` holds {count} runs of a sweep, not one",
        "search": "`{run}` is a search, not a run",
    }
    hint = {
        "": "give one of them, such as `{run}/{first}`\n`netspec runs --runs {run}` lists them with their metrics",
        "run": "give one of them: {first}\n`netspec runs --runs {run}` lists them with their metrics",
        "search": "{first}`netspec tune --resume {run}` continues it",
    }
    run: str
    count: int = 0
    first: str = ""


class NotShared(Diagnostic):
    """The processes of a training do not see the same checkpoints, as when each machine has a disk of its own.

    Each process writes its shards into one folder, and reads what it needs from there. The runs have to be on a file
    system that all machines share, such as NFS or Lustre.
    """

    code = "NS550"
    title = "process {process} of {count} does not see the checkpoints that process 0 sees in `{folder}`"
    hint = "keep the runs on a file system that all machines share: `netspec train --runs FOLDER`"
    folder: str
    process: int
    count: int
