"""NS657, NS658: what first aid cannot be combined with, and profiles that cannot be made."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NotTogether(Diagnostic):
    """`--overfit-batch` and `--dry-run` look at one training from its beginning, on one process, and leave no run: they
    cannot be combined with options for a run that exists or has a name, for a sweep, or for several processes. Of a
    spec with several seeds or folds they take the first one. `--profile` looks at one process.
    """

    code = "NS657"
    title = "`{option}` cannot be combined with `{other}`"
    hint = {
        "": "omit `{other}`",
        "run": "omit `{other}`: `{option}` creates no run and continues none; give the spec FILE alone",
        "sweep": "omit `{other}` and give one of its values, as in `-D train.optimizer=…` or `-D width=64`",
        "processes": "omit `{other}`: `{option}` looks at one process; several devices are used with `--devices`",
        "batches": "give arrays: `{option}` chooses the examples itself; the first batch as arrays shows the same",
        "first aid": "use one of them at a time",
    }
    option: str
    other: str


class NoProfile(Diagnostic):
    """The file of `--profile` cannot be written, or the profiler has recorded no operation of a training step."""

    code = "NS658"
    title = "no profile: {reason}"
    reason: str
