"""NS590 to NS599: searches for the best hyperparameters, and sweeps over given values."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class UnknownTuned(Diagnostic):
    """A name in the section `tune` is neither a `param` of the spec nor a setting of `train`.

    In `params { }` are names of `param` statements, in `train { }` settings of the section `train` and options of its
    optimizer, its schedule and its loss.
    """

    code = "NS590"
    title = {
        "": "the spec has no `param {name}`",
        "train": "`{name}` is neither a setting of `train` nor an option of its words",
        "twice": "`{name}` has two ranges",
        "order": "`{name}` is decided by the search already",
    }
    label = {"": "not a param", "train": "not a setting", "twice": "given again here", "order": "cannot vary"}
    name: str


class WrongRange(Diagnostic):
    """What is given in `tune { params { } }` or `tune { train { } }` is not a range.

    Ranges are `int(1, 4)`, `uniform(0, 0.5)`, `log(1e-4, 1e-1)` and values to choose from, `(relu | gelu)`. A range of
    `log` begins above 0 and has integers where both of its ends are written as integers, as `log(16, 128)`.
    """

    code = "NS591"
    title = {
        "": "`{text}` is not a range",
        "fixed": "`{text}` is a single value",
        "ends": "a range has two numbers: `{word}(lowest, highest)`",
        "empty": "the range from {low} to {high} is empty",
        "equal": "the range from {low} to {high} has a single value",
        "log": "a logarithmic range begins above 0, not at {low}",
        "integers": "`int` has integers as its ends",
        "step": "a step is a positive integer of at most {high}",
        "option": "`{word}` has no option `{text}`",
        "same": "the value `{text}` is there twice",
    }
    label = {"": "not a range", "fixed": "never varies", "same": "again", "option": "not an option"}
    hint = {
        "": "{advice}",
        "fixed": "give a range, or set it in the section `train` or by -D",
        "empty": "write the lowest number first",
        "equal": "write another end, or set it in the section `train` or by -D",
        "log": "use `uniform`, or begin with a positive number",
        "integers": "write `uniform({low}, {high})` for numbers that are not integers",
        "option": "`int` has `step`: `int(16, 128, step = 16)`",
        "same": "write each value once",
    }
    text: str = ""
    word: str = ""
    low: str = ""
    high: str = ""


class NothingToTune(Diagnostic):
    """`netspec tune` needs a section `tune` with at least one range."""

    code = "NS592"
    title = {"": "there is nothing to tune in `{name}`", "no metric": "`{name}` has no goal to search for"}
    hint = {
        "": "add a section such as `tune {{ params {{ width = log(16, 128) }} }}`, each setting on its own line",
        "no metric": "add data with a validation split (`val = 10%`), or a `goal` in the section `tune`",
    }
    name: str


class EndFails(Diagnostic):
    """A value of a range makes a network or a training that has an error. Both ends of each range and each value of a
    choice are compiled before the first trial."""

    code = "NS593"
    title = "with {values} the spec has an error: {reason}"
    label = "includes {value}"
    hint = "{advice}\n{more}"
    values: str
    value: str
    reason: str
    more: str


class NoSuchGoal(Diagnostic):
    """The goal of the search is not measured: the spec does not report this metric, or has no validation split.

    Metrics of the test split cannot be goals: the test split would no longer tell how good the result is.
    """

    code = "NS594"
    title = "`{name}` is not measured on the validation split"
    label = "not measured"
    name: str


class CannotSearch(Diagnostic):
    """A setting of the search does not fit the others."""

    code = "NS595"
    title = {
        "pruner": "`{name}` cannot prune a search with several goals",
        "sampler": "`{name}` cannot search for several goals",
        "grid": "`{name}` does not prune a grid",
    }
    label = {"pruner": "needs one goal", "sampler": "needs one goal", "grid": "needs another sampler"}
    hint = {
        "grid": "write `pruner = halving`, or another sampler",
        "pruner": "remove `pruner`, or name one goal",
        "sampler": "write `sampler = nsga2` or `tpe`, or name one goal",
    }
    name: str = ""


class MissingOptuna(Diagnostic):
    """A sampler or a pruner needs a package that is not installed. `random`, `grid` and `halving` need none."""

    code = "NS596"
    title = "`{name}` needs the package `{package}`"
    label = "needs {package}"
    hint = "install it with `pip install {install}`, or use {instead}"
    name: str
    package: str
    install: str = "'netspec-compiler[tune]'"
    instead: str = "`sampler = random`, `grid`"


class NoSearch(Diagnostic):
    """The folder is not one that `netspec tune` has made, is damaged, or belongs to a search of another spec."""

    code = "NS597"
    title = "`{run}` cannot be resumed: {reason}"
    run: str
    reason: str
    advice: str = "give a folder made by `netspec tune`, such as runs/digits-tune-1"


class AllFailed(Diagnostic):
    """No trial of the search has succeeded. The reason of each one is in the table of `netspec tune --resume`."""

    code = "NS598"
    title = "{count} failed, and none has succeeded: {reason}"
    hint = "train with values from the ranges to see more: {advice}"
    count: str
    reason: str


class WrongSweep(Diagnostic):
    """What `netspec train --sweep NAME=VALUE,VALUE` gives does not fit the spec.

    NAME is a `param` of the spec, a setting of `train` or `data`, or an option of the optimizer, the schedule or the
    loss; the full name as `-D` takes it, such as `train.batch` or `train.optimizer.rate`, is never ambiguous. Commas
    inside of parentheses belong to a value: `optimizer=adam(1e-3),sgd(0.1, momentum = 0.9)`. Every combination of the
    values is checked before the first run.
    """

    code = "NS599"
    title = {
        "form": "a sweep is NAME=VALUE,VALUE, not `{text}`",
        "unknown": "`{name}` is neither a param nor a setting of the spec",
        "value": "`{text}` is not a list of values for `{name}`",
        "same": "`{name}` has the value `{text}` twice",
        "twice": "`{name}` is given twice",
        "set": "`{name}` has both a value and a sweep",
        "repeated": "a sweep trains each combination once, and `{name}` asks for several runs",
        "many": "the sweep has {text} combinations, and {limit} are the most",
        "fails": "with {text} the spec has an error: {reason}",
        "folder": "`{text}` cannot be resumed as a sweep: {reason}",
        "all": "every run of the sweep failed: {reason}",
    }
    hint = {
        "": "{advice}",
        "form": 'write `--sweep rate=1e-4,1e-3`, in Python `{{"rate": [1e-4, 1e-3]}}`',
        "value": "separate values with commas; those in parentheses, brackets or quotes belong to one value\n{advice}",
        "same": "write each value once",
        "twice": "write all of its values in one sweep",
        "set": "remove one of them",
        "repeated": "set it to its default, and sweep over `seed=0,1,2` instead",
        "many": "sweep over fewer values, or let `netspec tune` choose some of them",
    }
    name: str = ""
    text: str = ""
    reason: str = ""
    limit: int = 0
