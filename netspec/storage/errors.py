"""NS470 to NS479 and NS490 to NS499: runs that go on, break, are damaged, or cannot be written."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NoCheckpoint(Diagnostic):
    """A run is to be resumed that has no checkpoint."""

    code = "NS470"
    title = "`{run}` has no checkpoint to go on from"
    hint = "start again with `netspec train`"
    run: str


class NoUsableCheckpoint(Diagnostic):
    """Every checkpoint of a run is damaged: files are missing or cut off."""

    code = "NS471"
    title = "no checkpoint of `{run}` can be read: {reason}"
    hint = "start again with `netspec train`; `weights.safetensors` in the run may still hold the best weights"
    run: str
    reason: str


class OlderCheckpoint(Diagnostic):
    """The newest checkpoint of a run is damaged, so an older one is used; the steps between them are done again."""

    code = "NS472"
    severity = "warning"
    title = "the checkpoint of step {damaged} cannot be read ({reason}); going on from step {used}"
    hint = "the steps between are done again, with the same result"
    damaged: int
    used: int
    reason: str


class NoRun(Diagnostic):
    """A folder is given as a run, and is none."""

    code = "NS473"
    title = "`{run}` is no run folder: {reason}"
    run: str
    reason: str
    advice: str = "give a folder that `netspec train` has made, such as runs/digits-1"


class OtherNet(Diagnostic):
    """The weights that were saved are not those of this net."""

    code = "NS474"
    title = "what `{source}` holds is not for this net: {reason}"
    hint = "use the spec of the run, or start a new run"
    source: str
    reason: str


class DamagedFile(Diagnostic):
    """A file of a run is missing, cut off or changed."""

    code = "NS475"
    title = "`{file}` cannot be read: {reason}"
    hint = "copy the run again, or train again"
    file: str
    reason: str


class OtherSettings(Diagnostic):
    """A run is to be resumed with other settings or data than it was started with.

    Only `epochs` may change: everything else would give a run that is neither the old nor the new one.
    """

    code = "NS476"
    title = "the run was started with other settings: {changes}"
    hint = "only `epochs` may change in a run that goes on; start a new run for the rest"
    changes: str


class CannotWrite(Diagnostic):
    """A run folder cannot be made or written to: no space, no permission, or a file stands in the way."""

    code = "NS477"
    title = "cannot write `{path}`: {reason}"
    hint = "make room, or choose another folder for the runs"
    path: str
    reason: str


class OtherData(Diagnostic):
    """A run is to be resumed with other examples than it was started with, though there are as many of them.

    A checksum over the examples that the run trains, validates and tests on stands in every checkpoint. Files that were
    moved do no harm (`--data` says where they are now) as long as what is in them is the same.
    """

    code = "NS478"
    title = "the examples are not those that the run was started with"
    hint = "bring the data of the run back, or start a new run with `netspec train`"


class CheckpointNotWritten(Diagnostic):
    """A checkpoint cannot be written while training: the disk is full, or the folder may not be written to any more.

    Training stops, since going on would only make more that cannot be kept. What was saved before is whole, and
    `netspec train --resume RUN` goes on from there, to the same numbers as if nothing had happened.
    """

    code = "NS490"
    title = "the checkpoint of step {step} cannot be written: {reason}"
    step: int
    reason: str


class RunIsBusy(Diagnostic):
    """A run is to be resumed or removed while a process still trains it."""

    code = "NS491"
    title = "`{run}` is being trained{process}"
    hint = "wait until it ends, or end it with Ctrl-C; it saves and can be resumed"
    run: str
    process: str


class StartsAgain(Diagnostic):
    """A run is to be resumed that was stopped before anything was saved. It starts from the beginning in the same
    folder; since everything follows from the seed, the numbers are those that it would have had."""

    code = "NS492"
    severity = "warning"
    title = "`{run}` was stopped before anything was saved, so it starts from the beginning"
    hint = "nothing is lost but the time; `--save-every 1` saves every second"
    run: str


class LongerSchedule(Diagnostic):
    """A run goes on for longer, and its schedule is laid out over all the epochs: the learning rate takes another
    course from here on. A run of as many epochs from the start would have had other rates before, too."""

    code = "NS493"
    severity = "warning"
    title = "`{schedule}` is laid out over all epochs: with {now} instead of {before} it takes another course from here"
    hint = "for the figures of a run of {now} epochs as a whole, start a new one"
    schedule: str
    before: int
    now: int


class OtherSpec(Diagnostic):
    """A run is to be resumed with a spec that means something else than the one it was started with.

    Compared is what the spec means: layers and their options and wires, settings, data. Formatting, comments and names
    of params may change, `train.epochs` and `expect` too; and the data may lie elsewhere, as long as they are the same.
    """

    code = "NS494"
    title = "{what} is not what `{run}` was started with:{changes}"
    what: str
    run: str
    changes: str


class NoSuchFigure(Diagnostic):
    """Runs are to be compared by a figure that none of them has."""

    code = "NS495"
    title = "no run has a figure `{figure}`"
    figure: str
