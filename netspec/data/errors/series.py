"""NS620 to NS629, NS670: series in the order of time, windows over them, and series of different lengths."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class RandomSplit(Diagnostic):
    """Windows over a series overlap each other: of a window that is drawn for the validation, most rows and even the
    targets are in windows of the training, and the metric says nothing about the future. Only the end of each series is
    held out, and the windows before it that hold a row of its targets are left out. Windows never reach from one series
    to another, so whole series may be held out.
    """

    code = "NS620"
    title = {
        "folds": "`folds` divides windows that overlap each other",
        "group": "`folds` divides windows that overlap each other, and only whole series keep them apart",
        "": "`{part} = {portion}` draws windows at random, which overlap those of the training",
    }
    label = {"group": "would put neighbors on both sides", "": "the future leaks into the training"}
    hint = {
        "folds": "leave it out, and hold out the end of the series: `test = last(20%)`",
        "group": "write `folds = grouped({folds}, by = {group})` for whole series, hold out the end of each with "
        '`test = last(20%)`, or give a file with other series in the source: `test = "….csv"`',
        "": "hold out the end of the series: `{part} = last({portion})`",
    }
    part: str = ""
    portion: str = ""
    folds: int = 0
    group: str = ""


class Leak(Diagnostic):
    """What is to be predicted is known to the network: a row that is a target of the validation or test split is in a
    window of the training, or a column is a target and an input at the same time. The metrics would be better than any
    forecast.
    """

    code = "NS621"
    title = {
        "column": "the target `{column}` is an input at the time that is predicted",
        "file": "{count} windows of the training hold rows that are targets of the test file",
        "file of labels": "{count} windows of the training share rows with those of the test file",
        "labels": "{count} windows of the training share rows with those of the {part} split",
        "": "{count} windows of the training hold rows that are targets of the {part} split",
    }
    label = {"column": "known to the network", "": "the first is {first}"}
    hint = {
        "column": "take it out of `{role}`",
        "file of labels": "give a file for the test with other rows, or hold out the end: `test = last(10%)`",
        "file": "give a file for the test with later rows only, or hold out the end: `test = last(10%)`",
        "": "hold out the end of each series: `{part} = last(10%)`",
    }
    column: str = ""
    role: str = ""
    part: str = ""
    count: int = 0
    first: str = ""


class BadTime(Diagnostic):
    """The time stamps of a series say in which order its rows are: every row has one, and no two rows of a series have
    the same. Rows of several series are told apart by the column that `group` names.
    """

    code = "NS622"
    title = {
        "missing": "{file} row {row}, column `{column}`: no time",
        "group": "{file} row {row}, column `{column}`: no name of a series",
        "": "{file} rows {row} and {other} have the same time, {time}",
    }
    label = {"missing": "row {row} has none", "group": "row {row} has none", "": "twice in one series"}
    hint = {
        "missing": "fill in the cell, or remove the row",
        "group": "fill in the cell, or remove the row",
        "one series": 'if the file holds several series, name the column that tells them apart: `group = "…"`',
        "": "remove one of the rows",
    }
    file: str
    row: int
    column: str = ""
    other: int = 0
    time: str = ""


class Gaps(Diagnostic):
    """The time stamps of a series do not follow each other at one distance: rows are missing, or they are irregular.
    Windows across such a place are left out, since their steps would not be equally far apart.
    """

    code = "NS623"
    severity: ClassVar[str] = "warning"
    title = "{file} has {gaps} in its time stamps; the first is after row {row}: {before}, then {after}"
    label = "{windows} windows are left out"
    hint = "fill in the missing rows, or write `gaps = error` to refuse such a file; its usual distance is {distance}"
    file: str
    gaps: str
    row: int
    before: str
    after: str
    windows: str
    distance: str


class GapsRefused(Diagnostic):
    """With `gaps = error` the time stamps of every series must follow each other at one distance."""

    code = "NS624"
    title = "{file} has {gaps} in its time stamps; the first is after row {row}: {before}, then {after}"
    label = "its usual distance is {distance}"
    hint = "fill in the missing rows, or write `gaps = skip` to leave out the windows across them"
    file: str
    gaps: str
    row: int
    before: str
    after: str
    distance: str


class NoWindow(Diagnostic):
    """A window needs as many consecutive rows of a series as `past` and `ahead` say, without a gap and without missing
    values.
    """

    code = "NS625"
    title = "{file} has no {needed} consecutive rows of a series"
    label = "the longest stretch has {longest}"
    hint = {
        "known": "a forecast needs the last {past} rows of a series, and after them {ahead} rows with what is known in "
        "advance ({known}); their other cells are empty",
        "prediction": "a forecast needs the last {needed} rows of a series, without gaps and missing values",
        "": "lower `past` or `ahead`, or fill in what is missing",
    }
    file: str
    needed: int
    longest: int
    past: int = 0
    ahead: int = 0
    known: str = ""


class SeriesTooLong(Diagnostic):
    """Series are padded at their ends to the length of the input; none of them is cut."""

    code = "NS626"
    title = "{where} has {found} steps, and the input `{input}` has {length}"
    label = "too long by {more}"
    hint = "write `input {found} steps({features}, pad = true)`, or cut the series"
    where: str
    found: int
    input: str
    length: int
    more: int
    features: int


class NeedsPadding(Diagnostic):
    """Series of different lengths are padded, and the network leaves the padding out: an input that is declared with
    `pad = true` has a mask. Without it the padding would be taken for readings.
    """

    code = "NS627"
    title = "the series have {shortest} to {longest} steps, and the input has no padding"
    label = "of one length"
    hint = "write `input {longest} steps({features}, pad = true)`"
    shortest: int
    longest: int
    features: int


class KnownOfNoRow(Diagnostic):
    """`known` names columns that are known in advance: an input of their values in the rows ahead. With `ahead = 0`
    there are no rows ahead, and the columns of the window itself are `inputs`.
    """

    code = "NS628"
    title = "`known` needs rows ahead, and `ahead = 0` has none"
    label = "of which rows?"
    hint = "name `{column}` in `inputs`, or forecast with `ahead` above 0"
    column: str


class ForecastOfKnown(Diagnostic):
    """Where columns are known in advance, a forecast needs their values in the rows that it is of. A table that ends
    with the last observation has none for the rows after it, and the forecast is of its last rows instead.
    """

    code = "NS670"
    severity: ClassVar[str] = "warning"
    title = "the forecast is of the last {ahead} rows of {file}, whose `{target}` is already known"
    label = "the file ends before a forecast of the future does"
    hint = "append {ahead} rows to each series with {known}, and leave their other cells empty"
    file: str
    ahead: int
    target: str
    known: str


class SeriesLeftOut(Diagnostic):
    """A series of a table has fewer consecutive rows at its end than a forecast needs."""

    code = "NS629"
    severity: ClassVar[str] = "warning"
    title = "no forecast for {names}: the last rows are not {needed} at equal distances without missing values"
    label = "left out"
    hint = "give the last {needed} rows of each series"
    names: str
    needed: int
