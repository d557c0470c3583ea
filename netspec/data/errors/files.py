"""NS401 to NS425: what is wrong with the files, tables, arrays and settings that data come from.

More about single sources stands in source_errors.py, about how data and network fit each other in check_errors.py.
"""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class CannotRead(Diagnostic):
    """A file of data is not there, or cannot be read. Relative names start from the folder of the `.net` file."""

    code = "NS401"
    title = "cannot read {file}: {reason}"
    label = "{reason}"
    file: str
    reason: str


class CannotDownload(Diagnostic):
    """A data set that netspec downloads is not on this machine, and none of the places it comes from answers.

    The files are looked for in the folder that the environment variable NETSPEC_DATA names, then in the cache of the
    user. Without a network, fetch them on another machine and put them into one of these folders. NETSPEC_MIRROR may
    name another server: the files lie in a folder with the name of the data set there.
    """

    code = "NS402"
    title = "{name} is not on this machine and cannot be downloaded: {reason}"
    label = "needs {file}"
    hint = "looked in {folders}\n{advice}"
    name: str
    file: str
    reason: str
    folders: str


class WrongChecksum(Diagnostic):
    """A downloaded file is not the published one: it was cut short or changed on the way. It is not kept."""

    code = "NS403"
    title = "{file} from {server} is not the published file"
    label = "has the {algorithm} {found}, expected {expected}"
    hint = "try again; if it stays so, get the file elsewhere and put it into {folder}"
    file: str
    server: str
    algorithm: str
    found: str
    expected: str
    folder: str


class BrokenFile(Diagnostic):
    """A file does not hold what its format says: it is cut short, damaged, or of another format."""

    code = "NS404"
    title = "{file} is no valid {format} file: {reason}"
    label = "{reason}"
    file: str
    format: str
    reason: str
    advice: str = "get the file again"


class NoExamples(Diagnostic):
    """A file, a table or an array has no examples, or its examples have no numbers."""

    code = "NS405"
    title = "{what} has no {missing}"
    label = "nothing to learn from"
    what: str
    missing: str = "examples"


class BadHeader(Diagnostic):
    """The first row of a CSV file must give every column a name of its own."""

    code = "NS406"
    title = "the header of {file} {problem}"
    label = "{problem}"
    file: str
    problem: str


class RaggedRow(Diagnostic):
    """A row of a CSV file has more or fewer cells than the header. Rows are counted from 1, the header being row 1."""

    code = "NS407"
    title = "{file} row {row} has {found} cells, and the header {expected}"
    label = "row {row} is ragged"
    hint = "{also}{advice}"
    file: str
    row: int
    found: int
    expected: int
    also: str = ""
    advice: str = "put cells that hold the delimiter into double quotes, or set `delimiter`"


class NoColumn(Diagnostic):
    """A column that is named in the spec, such as the target, is not in the table."""

    code = "NS408"
    title = "{file} has no column `{column}`"
    label = "not in the header"
    file: str
    column: str


class NotANumber(Diagnostic):
    """A cell that should be a number is none. Every column but the target is a feature, and features are numbers unless
    `categories` says that their values are names."""

    code = "NS409"
    title = '{file} row {row}, column `{column}`: "{cell}" is no number'
    label = "row {row}, column `{column}`"
    hint = "{also}{advice}"
    file: str
    row: int
    column: str
    cell: str
    also: str = ""


class MissingValue(Diagnostic):
    """A cell is empty, or holds a word for "not known" such as `NA`. A net cannot learn from what is not there."""

    code = "NS410"
    title = "{file} row {row}, column `{column}`: the value is missing"
    label = "row {row}, column `{column}`"
    hint = "{also}{advice}"
    file: str
    row: int
    column: str
    also: str = ""


class TaskUnclear(Diagnostic):
    """A target column holds whole numbers or texts with so many different values that they may not be classes."""

    code = "NS411"
    title = "the column `{column}` has {distinct} different values in {rows} rows: classes, or not?"
    label = "not clear what to learn"
    column: str
    distinct: int
    rows: int


class WrongShape(Diagnostic):
    """The shape that is asked for holds another number of values than an example of the file has."""

    code = "NS412"
    title = "{count} numbers cannot take the shape {shape}"
    label = "{reason}"
    count: int
    shape: str
    reason: str


class WrongKeys(Diagnostic):
    """An .npz file has other arrays in it than `x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`; those of other
    names are named: `npz("a.npz", x = "images", y = "labels")`."""

    code = "NS413"
    title = "{file} has no array `{key}`"
    label = "it has {found}"
    hint = (
        'name its arrays, as in `npz("{file}", x = "images", y = "labels")`\n'
        'or save it as `numpy.savez("{file}", x_train=…, y_train=…, x_test=…, y_test=…)`, or with `x` and `y`'
    )
    file: str
    key: str
    found: str


class UnequalLengths(Diagnostic):
    """Arrays that belong together have different numbers of examples, or test examples another shape."""

    code = "NS414"
    title = "{first} and {second} do not belong together: {reason}"
    label = "{reason}"
    first: str
    second: str
    reason: str


class WrongType(Diagnostic):
    """An array holds something else than numbers: texts, Python objects (often rows of unequal length), dates."""

    code = "NS415"
    title = "{what} holds {found}"
    label = "{found}"
    what: str
    found: str


class BadPair(Diagnostic):
    """Arguments of a data source or of `from_arrays` that only make sense together, and one of them is not given."""

    code = "NS416"
    title = "{given} is given without {missing}"
    label = "{missing} is missing"
    hint = "give both, or none"
    given: str
    missing: str


class CannotSplit(Diagnostic):
    """A split would leave a part without examples."""

    code = "NS420"
    title = "{part} = {portion} of {examples} examples leaves {left}"
    label = "{left}"
    part: str
    portion: str
    examples: int
    left: str


class CannotNormalize(Diagnostic):
    """The inputs cannot be normalised in the way that is asked for: token ids are names of words, not amounts, and a
    mean of them means nothing; the figures of ImageNet are for colour images from 0 to 1; a list of means has one for
    each channel."""

    code = "NS421"
    title = "`normalize = {how}` does not go with {what}"
    label = "the input `{input}` holds {what}"
    how: str
    what: str
    input: str
    advice: str = "remove `normalize`; an `embedding` turns ids into vectors"


class NoEffect(Diagnostic):
    """A setting of `data` that changes nothing for these data; it may be meant for others."""

    code = "NS422"
    severity = "warning"
    title = "`{option}` has no effect: {reason}"
    label = "has no effect"
    option: str
    reason: str


class NoData(Diagnostic):
    """Training or evaluation wants data, and the spec names none."""

    code = "NS423"
    title = "there are no data to train on"
    hint = "name a source in the section `data`, as in `data {{ source = digits }}`, or use `--data digits`"


class NoSplit(Diagnostic):
    """A part of the data is asked for that a run does not have."""

    code = "NS424"
    title = "there is no {split} split"
    split: str


class SourceNotUsed(Diagnostic):
    """Arrays are handed over to train on, and the spec names a data source too; the arrays are used."""

    code = "NS425"
    severity = "warning"
    title = "the source of the section `data` is not used: arrays were handed over"
    label = "not used"
    hint = "leave the arrays out to train on the source, or remove the line"
