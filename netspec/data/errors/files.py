"""NS401 to NS425: files, tables, arrays and settings of the data.

Errors of single sources are in sources.py, those of data that do not fit the network in network.py.
"""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class CannotRead(Diagnostic):
    """A data file does not exist, or cannot be read. Relative names start from the folder of the `.net` file."""

    code = "NS401"
    title = "cannot read {file}: {reason}"
    label = "{reason}"
    file: str
    reason: str


class CannotDownload(Diagnostic):
    """A data set is not on this machine, and cannot be downloaded from any of its servers.

    Files are searched for in the folder named by the environment variable NETSPEC_DATA, then in the cache of the user.
    Without network access, download them on another machine and put them into one of these folders. NETSPEC_MIRROR can
    name another server, with the files in a folder named after the data set.
    """

    code = "NS402"
    title = "{name} is not on this machine and cannot be downloaded: {reason}"
    label = "needs {file}"
    hint = "searched in {folders}\n{advice}"
    name: str
    file: str
    reason: str
    folders: str


class WrongChecksum(Diagnostic):
    """A downloaded file differs from the published one: it was truncated or changed on the way. It is not kept."""

    code = "NS403"
    title = "{file} from {server} differs from the published file"
    label = "has the {algorithm} {found}, expected {expected}"
    hint = "try again; if that does not help, get the file elsewhere and put it into {folder}"
    file: str
    server: str
    algorithm: str
    found: str
    expected: str
    folder: str


class BrokenFile(Diagnostic):
    """A file is truncated, damaged, or of another format."""

    code = "NS404"
    title = "{file} is not a valid {format} file: {reason}"
    label = "{reason}"
    file: str
    format: str
    reason: str
    advice: str = "get the file again"


class NoExamples(Diagnostic):
    """A file, table or array has no examples, or its examples have no values."""

    code = "NS405"
    title = "{what} has no {missing}"
    label = "no training data"
    what: str
    missing: str = "examples"


class BadHeader(Diagnostic):
    """The first row of a CSV file must give every column a unique name."""

    code = "NS406"
    title = "the header of {file} {problem}"
    label = "{problem}"
    file: str
    problem: str


class RaggedRow(Diagnostic):
    """A row of a CSV file has more or fewer cells than the header. Rows are counted from 1, the header being row 1."""

    code = "NS407"
    title = "{file} row {row} has {found} cells, but the header has {expected}"
    label = "wrong number of cells in row {row}"
    hint = "{also}{advice}"
    file: str
    row: int
    found: int
    expected: int
    also: str = ""
    advice: str = "put cells that hold the delimiter into double quotes, or set `delimiter`"


class NoColumn(Diagnostic):
    """A column named in the spec, such as the target, is not in the table."""

    code = "NS408"
    title = "{file} has no column `{column}`"
    label = "not in the header"
    file: str
    column: str


class NotANumber(Diagnostic):
    """A cell is not a number. Every column except the target is a feature, and features are numbers unless they are
    listed in `categories`.
    """

    code = "NS409"
    title = '{file} row {row}, column `{column}`: not a number: "{cell}"'
    label = "row {row}, column `{column}`"
    hint = "{also}{advice}"
    file: str
    row: int
    column: str
    cell: str
    also: str = ""


class MissingValue(Diagnostic):
    """A cell is empty, or marks a missing value, such as `NA`."""

    code = "NS410"
    title = "{file} row {row}, column `{column}`: the value is missing"
    label = "row {row}, column `{column}`"
    hint = "{also}{advice}"
    file: str
    row: int
    column: str
    also: str = ""


class TaskUnclear(Diagnostic):
    """A target column has integers or texts with so many different values that they may not be classes."""

    code = "NS411"
    title = "the column `{column}` has {distinct} different values in {rows} rows: are they classes?"
    label = "classes or numbers?"
    column: str
    distinct: int
    rows: int


class WrongShape(Diagnostic):
    """The shape has another number of values than an example of the file."""

    code = "NS412"
    title = "{count} numbers cannot be reshaped to {shape}"
    label = "{reason}"
    count: int
    shape: str
    reason: str


class WrongKeys(Diagnostic):
    """An .npz file has other arrays than `x_train`, `y_train`, `x_test`, `y_test`, or `x` and `y`; give other names
    explicitly: `npz("a.npz", x = "images", y = "labels")`.
    """

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
    """Arrays that belong together have different numbers of examples, or the test examples have another shape."""

    code = "NS414"
    title = "{first} and {second} do not belong together: {reason}"
    label = "{reason}"
    first: str
    second: str
    reason: str


class WrongType(Diagnostic):
    """An array does not contain numbers, but texts, Python objects (often rows of unequal length), or dates."""

    code = "NS415"
    title = "{what} contains {found}"
    label = "{found}"
    what: str
    found: str


class BadPair(Diagnostic):
    """Two arguments of a data source or of `from_arrays` must be given together."""

    code = "NS416"
    title = "{given} is given without {missing}"
    label = "{missing} is missing"
    hint = "give both, or neither"
    given: str
    missing: str


class CannotSplit(Diagnostic):
    """A split would leave one of the sets without examples."""

    code = "NS420"
    title = "{part} = {portion} of {examples} examples leaves {left}"
    label = "{left}"
    part: str
    portion: str
    examples: int
    left: str


class CannotNormalize(Diagnostic):
    """The inputs cannot be normalized in this way: token ids are not quantities, and their mean has no meaning; the
    statistics of ImageNet are for RGB images from 0 to 1; a list of means has one for each channel.
    """

    code = "NS421"
    title = "`normalize = {how}` cannot be used for {what}"
    label = "the input `{input}` has {what}"
    how: str
    what: str
    input: str
    advice: str = "remove `normalize`; an `embedding` turns ids into vectors"


class NoEffect(Diagnostic):
    """A setting of `data` that has no effect for these data."""

    code = "NS422"
    severity = "warning"
    title = "`{option}` has no effect: {reason}"
    label = "has no effect"
    option: str
    reason: str


class NoData(Diagnostic):
    """Training or evaluation needs data, but the spec names none."""

    code = "NS423"
    title = "no data to train on"
    hint = "name a source in the section `data`, as in `data {{ source = digits }}`, or use `--data digits`"


class NoSplit(Diagnostic):
    """The run does not have this split."""

    code = "NS424"
    title = "there is no {split} split"
    split: str


class SourceNotUsed(Diagnostic):
    """Arrays are passed to train on, and the spec names a data source, too; the arrays are used."""

    code = "NS425"
    severity = "warning"
    title = "the source of the `data` section is not used: arrays were passed"
    label = "not used"
    hint = "leave out the arrays to train on the source, or remove the line"
