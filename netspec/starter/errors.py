"""NS660–NS664: data for which `netspec new` cannot write a spec, and files that it does not overwrite."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class TargetNeeded(Diagnostic):
    """`netspec new` has to know which column of a table is predicted: `--target COLUMN`, in Python `target="COLUMN"`.

    The recommendation is a guess by the names, the positions and the values of the columns. Folders, arrays and texts
    have their targets in themselves and take no `--target`.
    """

    code = "NS660"
    title = {
        "": "which column of {file} is to be predicted?",
        "unknown": "{file} has no column `{target}`",
        "needless": "{file} is {what}, which has no columns to choose a target from",
    }
    hint = {
        "": "write `{flag}`, the column that is recommended\n{advice}",
        "unknown": "{advice}",
        "needless": "leave out the target",
    }
    file: str
    target: str = ""
    what: str = ""
    flag: str = ""


class UnknownData(Diagnostic):
    """`netspec new` reads tables (.csv, .tsv, .parquet), arrays of NumPy (.npz), texts (.txt, .md), folders with a
    folder of images, texts or sounds for each class, folders of images and masks, and the names of data sets.
    """

    code = "NS661"
    title = "cannot write a spec for {path}: {reason}"
    path: str
    reason: str


class TargetUnfit(Diagnostic):
    """The target column has nothing that a network could learn to predict: the same value in every row, another name in
    nearly every row, or values in too few rows.
    """

    code = "NS662"
    title = "`{target}` of {file} cannot be predicted: {reason}"
    file: str
    target: str
    reason: str


class SpecExists(Diagnostic):
    """`netspec new` never overwrites a file."""

    code = "NS663"
    title = "{path} exists already"
    hint = "choose another name: `-o {other}`, or `-o -` to print the spec"
    path: str
    other: str


class NothingToPredictFrom(Diagnostic):
    """All columns but the target are left out: they are constant, empty, identify the rows, or copy the target."""

    code = "NS664"
    title = "{file} has no column to predict `{target}` from"
    hint = "{advice}"
    file: str
    target: str
