"""NS523 to NS535, NS561: how tables are written, and what their columns are."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.diagnostics import Diagnostic


class SameSign(Diagnostic):
    """The decimal sign of the numbers in a CSV file differs from the sign between groups of digits."""

    code = "NS523"
    title = '`decimal` and `thousands` are both "{sign}"'
    label = "used twice"
    hint = 'for 1.234,5 write `decimal = ",", thousands = "."`, for 1,234.5 write `thousands = ","`'
    sign: str


class NotADate(Diagnostic):
    """A cell of a column of dates does not have the format that all others have, or that `date("…")` names. The format
    is written as in Python's `strptime`: `%d.%m.%Y` for 31.12.2024, `%Y-%m-%d %H:%M` for 2024-12-31 18:30.
    """

    code = "NS524"
    title = '{file} row {row}, column `{column}`: not a date of the format {format}: "{cell}"'
    label = "row {row}, column `{column}`"
    hint = {
        "prediction": "write it in this format, as in the data of the training",
        "": 'correct the cell, or write the format of the column: `of("{column}", as = date("…"))`',
    }
    file: str
    row: int
    column: str
    cell: str
    format: str


class DateUnclear(Diagnostic):
    """The cells of a column have a format of dates that can be read in two ways, such as 03/04/2021, or have none that
    is known.
    """

    code = "NS525"
    title = {
        "none": 'the format of the dates in the column `{column}` is not known: "{cell}" in row {row}',
        "": 'the dates in the column `{column}` can be read in two ways: "{cell}" in row {row}',
    }
    label = "which format?"
    hint = {
        "none": 'write it as in `strptime`: `of("{column}", as = date("%d.%m.%Y"))` for 31.12.2024',
        "": "write {options}",
    }
    column: str
    cell: str
    row: int
    options: str = ""


class ColumnTypeConflict(Diagnostic):
    """What `per_column` says of a column does not go together, or is not possible for what the column is used for."""

    code = "NS526"
    title = '`of("{column}", …)` {problem}'
    label = "{problem}"
    column: str
    problem: str


class LeftOut(Diagnostic):
    """A column whose name says that it identifies the rows, such as `id` or `customerID`, and whose values are whole
    numbers or texts that are all different, is not a feature: nothing can be learned from it, except the rows of the
    training set by heart. The same holds for a first column that has no name, which is called `Unnamed: 0`. A column is
    used if `columns`, `categories` or `per_column` names it.
    """

    severity: ClassVar[str] = "warning"
    code = "NS527"
    title = "the column `{column}` of {file} identifies the rows, and is left out"
    label = "has {count} different values in {count} rows"
    hint = {
        "number": "to leave it out without this warning, write `drop = {drop}` in `{source}(…)`\n"
        'to use it, write `per_column = of("{column}", as = number)` there',
        "": "to leave it out without this warning, write `drop = {drop}` in `{source}(…)`",
    }
    source: str
    file: str
    column: str
    count: int
    drop: str


class FirstRowIsData(Diagnostic):
    """The first row of a CSV file names the columns, and these names look like the values of the column. If the row is
    an example, it is lost.
    """

    severity: ClassVar[str] = "warning"
    code = "NS528"
    title = "the first row of {file} looks like data: {row}"
    label = "is read as the names of the columns"
    hint = "if it is an example write `header = none`, which calls the columns {names}; `names` gives them other names"
    file: str
    row: str
    names: str


class BadImageCell(Diagnostic):
    """A cell of a column of images is not the name of an image that can be read. Names start from the folder of the
    table, or from `folder`.
    """

    code = "NS529"
    title = '{file} row {row}, column `{column}`: {reason}: "{cell}"'
    label = "{count} such rows"
    hint = {
        "prediction": "correct the cells: names start from the folder of the table",
        "": 'correct the cells; if the images are in another folder write `as = image(folder = "…")`',
    }
    file: str
    row: int
    column: str
    cell: str
    reason: str
    count: int


class RowsDropped(Diagnostic):
    """`missing = drop` leaves out every row with a missing value in one of the columns that are read: here more than a
    twentieth of the table.
    """

    severity: ClassVar[str] = "warning"
    code = "NS561"
    title = "`missing = drop` leaves {kept} of {rows} rows of {file}"
    label = "{dropped} rows are left out"
    hint = {
        "target": "their targets are missing, in {columns}",
        "": "values are missing in {columns}; to use these rows write `missing = mean`, or leave out columns by `drop`",
    }
    file: str
    kept: int
    rows: int
    dropped: int
    columns: str
