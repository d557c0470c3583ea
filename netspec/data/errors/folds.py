"""NS600 to NS603: examples that cannot be divided into folds as the spec says."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class CannotFold(Diagnostic):
    """A fold would have no examples: there are fewer examples, or fewer groups, than folds."""

    code = "NS600"
    title = "{folds} folds need more than {found} {what}"
    label = "there are {found} {what}"
    hint = {"few": "get more data: two folds need more {what}", "": "write at most {most} folds"}
    folds: int
    found: int
    what: str
    most: int


class FoldsUnfit(Diagnostic):
    """These data cannot be cross-validated in this way: `stratified` needs a target with one class for each example,
    `grouped` the group and `by_time` the time of each, and consecutive pieces of a text overlap. Several seeds
    and folds cannot be combined.
    """

    code = "NS601"
    title = {
        "classes": "`stratified` needs a single target with one class for each example",
        "groups": "`grouped` needs to know the group of each example",
        "columns": "{source} has no column `{column}` to divide the examples by",
        "consecutive": "the examples of {source} overlap, and folds by time alone keep them apart",
        "time": 'the column `{column}` is not a time: "{cell}"',
        "missing": "the column `{column}` has no value for {where}",
        "seeds": "several seeds and folds cannot be combined",
    }
    label = {
        "classes": "no classes to stratify by",
        "groups": "by what?",
        "columns": "not a table",
        "consecutive": "would put a piece and its neighbor on both sides",
        "time": "neither a number nor a date",
        "missing": "an empty cell",
        "seeds": "one or the other",
    }
    hint = {
        "classes": "write `folds = plain({folds})`",
        "groups": "name the column: `folds = grouped({folds}, by = patient)`; for arrays call "
        "`netspec.cross_validate(…, groups=…)`",
        "columns": "`by` is for the sources `csv` and `parquet`; arrays have `netspec.cross_validate(…, groups=…)` "
        "and are sorted by time",
        "consecutive": "write `folds = by_time({folds})`",
        "time": "name a column of numbers, or of dates in one format such as 2026-11-29",
        "missing": "fill it in, or remove the row",
        "seeds": "cross-validate once for each seed: `netspec train FILE --folds {folds} --seed 1`",
    }
    folds: int
    source: str = ""
    column: str = ""
    cell: str = ""
    where: str = ""


class NoSuchFold(Diagnostic):
    """`fold` names one fold to train alone, from 1; it needs `folds`."""

    code = "NS602"
    title = {"": "there are {folds} folds, and no fold {fold}", "no folds": "`fold = {fold}` needs `folds`"}
    label = {"": "not a fold", "no folds": "of how many?"}
    hint = {"": "write a number from 1 to {folds}", "no folds": "write `folds = 5`, or leave `fold` out"}
    fold: int
    folds: int = 0


class MissingClasses(Diagnostic):
    """A class has fewer examples than there are folds, or its examples are in one fold alone: then a fold has none of
    them, or a network is evaluated on a class that it was not trained on, and never predicts it.
    """

    code = "NS603"
    severity = "warning"
    title = {
        "": "{classes} has fewer examples than the {folds} folds",
        "training": "the training examples of fold {fold} have none of {classes}",
    }
    label = {"": "some folds have none", "training": "is held out and never predicted"}
    hint = {
        "": "use fewer folds, get more examples of it, or merge classes",
        "training": "the metrics of this fold are those of a class it never saw; use other folds, or merge classes",
    }
    classes: str
    folds: int
    fold: int = 0
