"""NS401 to NS422: files, tables, arrays and settings of the data.

Errors of single sources are in sources.py, those of data that do not fit the network in network.py.
"""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic

_IDS_OF_TEXTS = "make ids of texts: `names, ids = numpy.unique({what}, return_inverse=True)`"


class CannotRead(Diagnostic):
    """A data file does not exist, or cannot be read. Relative names start from the folder of the `.net` file."""

    code = "NS401"
    title = "cannot read {file}: {reason}"
    label = "{reason}"
    hint = {
        "cifar10": "name the folder with test_batch.bin in it, or write `cifar10` alone",
        "": "{advice}",
    }
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
    hint = {
        "hub": "searched in {folders}\n"
        "check the name, or fetch it on a machine with a network and write it with `save_to_disk`",
        "": "searched in {folders}\n"
        "with a network it is downloaded automatically; otherwise put {files} into one of these folders, or name the "
        "folder above them with NETSPEC_DATA",
    }
    name: str
    file: str
    files: str = ""
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
    hint = {
        "idx": "IDX files are files like those of MNIST, such as train-images-idx3-ubyte.gz",
        "npy": "write it with `numpy.save`",
        "npz": "write it with `numpy.savez`",
        "several": 'write `npz("{file}")`',
        "cifar10": "the binary version of CIFAR-10 is needed, cifar-10-binary.tar.gz; found {found}",
        "cifar100": "CIFAR-100 and the Python version have other files; take the binary version of CIFAR-10",
        "quotes": 'a cell in double quotes ends with one, and a double quote inside it is written twice: ""',
        "encoding": 'write `encoding = "{encoding}"`{sample}',
        "utf-8": "save it as {format} in UTF-8",
        "prediction": "save it in the encoding of the training table, such as UTF-8",
        "": "{advice}",
    }
    file: str
    format: str
    reason: str
    found: str = ""
    encoding: str = ""
    sample: str = ""
    advice: str = "get the file again"


class NoExamples(Diagnostic):
    """A file, table or array has no examples, or its examples have no values."""

    code = "NS405"
    title = "{what} has no {missing}"
    label = "no training data"
    hint = {
        "rows": "add rows after the header, one for each example",
        "dropped": "every row has a missing value: remove columns with `drop`, or write `missing = mean`",
        "features": "add the columns that the target is predicted from",
        "header": "the first row names the columns, the others are the examples",
        "images": "name a file with images in it",
        "": "{advice}",
    }
    what: str
    missing: str = "examples"


class BadHeader(Diagnostic):
    """The first row of a CSV file must give every column a unique name. A file without such a row is read with
    `header = none`; its columns are then `column_1`, `column_2` and so on, or what `names` says.
    """

    code = "NS406"
    title = "the header of {file} {problem}"
    label = "{problem}"
    hint = {
        "inputs": "rename one of the columns: inputs of token ids have the names of their columns",
        "numbers": "if this row is an example, write `header = none{target}`; its columns are {names}",
        "count": "give every column one name: it has {count}",
        "no name": "write its name in the file, or leave it out: `drop = {names}`",
        "": "give every column a unique name",
    }
    file: str
    problem: str
    names: str = ""
    target: str = ""
    count: int = 0


class RaggedRow(Diagnostic):
    """A row of a CSV file has more or fewer cells than the header. Rows are counted from 1, the header being row 1;
    they are the lines of the file.
    """

    code = "NS407"
    title = {
        "all": "every row of {file} has {found}, but the {first} has {expected}",
        "": "{file} row {row} has {found}, but the {first} has {expected}",
    }
    label = {"all": "wrong number of cells", "": "wrong number of cells in row {row}"}
    hint = {
        "many": '{also}it ends in "{last}": remove this cell, or put cells that contain the delimiter in double quotes',
        "few": "{also}add the missing cells: one that is empty is nothing between two delimiters",
        "all": "write a header with a name for each column, or set `delimiter`",
        "": "put cells that contain the delimiter into double quotes, or set `delimiter`",
    }
    file: str
    row: int
    found: str
    expected: int
    also: str
    last: str
    first: str


class NoColumn(Diagnostic):
    """A column named in the spec, such as the target, is not in the table."""

    code = "NS408"
    title = "{file} has no column `{column}`"
    label = {"test": "has no targets", "no header": "not a column", "": "not in the header"}
    hint = {
        "test": "a file without targets cannot be the test split: leave `test` out, train, and then predict for it: "
        "`netspec predict RUN {path} -o predictions.csv`",
        "": "{advice}",
    }
    file: str
    column: str
    path: str = ""


class NotANumber(Diagnostic):
    """A cell is not a number. Every column except the target is a feature, and features are numbers unless they are
    listed in `categories`.
    """

    code = "NS409"
    title = '{file} row {row}, column `{column}`: not a number: "{cell}"'
    label = "row {row}, column `{column}`"
    hint = {
        "infinite": "{also}write a finite number",
        "target": "{also}{advice}\nwrite `task = classes` if the column holds classes",
        "prediction": "{also}write a number, as in the data of the training",
        "": "{also}{advice}",
    }
    file: str
    row: int
    column: str
    cell: str
    also: str
    advice: str = ""


class MissingValue(Diagnostic):
    """A cell is empty, or marks a missing value, such as `NA`."""

    code = "NS410"
    title = "{file} row {row}, column `{column}`: the value is missing"
    label = "row {row}, column `{column}`"
    hint = {
        "target": "{also}write `missing = drop{named}` to leave such rows out",
        "prediction": "{also}fill in the value or leave the row out: the network was trained on rows without missing "
        "values in this column",
        "one column": "{also}write `missing = drop{named}` to leave such rows out, or `missing = mean{named}` to fill "
        "them in; for this column alone {own}",
        "texts": "{also}write `missing = drop` to leave such rows out; to make a category of missing values {own}",
        "": "{also}write `missing = drop{named}` to leave such rows out, or `missing = mean{named}` to fill them in",
    }
    file: str
    row: int
    column: str
    also: str
    named: str
    own: str = ""


class TaskUnclear(Diagnostic):
    """A target column has many different integers or texts, which may not be classes."""

    code = "NS411"
    title = "the column `{column}` has {distinct} different values in {rows} rows: are they classes?"
    label = "classes or numbers?"
    hint = {
        "integers": "write `task = numbers` to predict the number\nwrite `task = classes` if every value is a class",
        "signs": "{advice}\nwrite `task = classes` if every value is a class",
        "": "is this the column to predict?\nwrite `task = classes` if every value is a class\n"
        "write `task = text` to predict its characters, with `loss = ctc`",
    }
    column: str
    distinct: int
    rows: int


class WrongShape(Diagnostic):
    """The shape has another number of values than an example of the file."""

    code = "NS412"
    title = "{count} numbers cannot be reshaped to {shape}"
    label = "{reason}"
    hint = "write sizes whose product is {count}"
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
        'name its arrays, as in `npz("{file}", {written})`\n'
        'or save it as `numpy.savez("{file}", x_train=…, y_train=…, x_test=…, y_test=…)`, or with `x` and `y`'
    )
    file: str
    key: str
    found: str
    written: str


class UnequalLengths(Diagnostic):
    """Arrays that belong together have different numbers of examples, or the test examples have another shape."""

    code = "NS414"
    title = "{first} and {second} do not match: {reason}"
    label = "{reason}"
    hint = {
        "names": "use the same names",
        "shapes": "give both the same shape",
        "types": "give both the same type",
        "images": "training and test images have one size",
        "labels": "take the images and the labels of one set",
        "one target": "names are for a single target of classes",
        "class names": "ids begin at 0, and every id needs a name",
        "order": "the order is `(x, y, x_test, y_test)`; `train_test_split` returns x, x_test, y, y_test",
        "swapped": "inputs come first, targets second: `(x, y)`\nif they are not swapped, give x an axis: `x[:, None]`",
        "arrays": "name an array of the test split for each of the training split, in the same order",
        "": "give one row for each example in every array",
    }
    first: str
    second: str
    reason: str


class WrongType(Diagnostic):
    """An array does not contain numbers, but texts, Python objects (often rows of unequal length), or dates."""

    code = "NS415"
    title = "{what} contains {found}"
    label = "{found}"
    hint = {
        "ragged": "make them all the same length",
        "number": "give an array with one row for each example",
        "one-hot": "give class ids: `{what}.argmax(axis=1)`",
        "one-hot units": "each row has a single 1: give class ids, `y.argmax(axis=-1)`, and write `{layer}`",
        "U": _IDS_OF_TEXTS,
        "S": _IDS_OF_TEXTS,
        "O": "rows of unequal length and None make objects of numbers; the array must have a type such as float32",
        "frame": "make numbers of them, such as `{what} = pandas.get_dummies({what})`, or save the frame as a file and "
        'write `source = csv("data.csv", target = "…", categories = auto)`',
        "apart": 'give the targets apart from the features: `(df.drop(columns="{column}"), df["{column}"])`',
        "apart, one-hot": "give the targets apart from the features: "
        '`(pandas.get_dummies(df.drop(columns="{column}")), df["{column}"])`',
        "column name": 'give the column itself: `df["{column}"]`',
        "saved objects": "files of Python objects may run programs, and are not read; save series of different lengths "
        'one after the other, with their lengths: `numpy.savez("data.npz", x=numpy.concatenate(series), '
        "lengths=[len(one) for one in series], y=labels)`",
        "saved": "save an array of numbers, such as float32",
        "saved texts": "save numbers, or names of classes as texts: `y.astype(str)`",
        "column": 'tokenize texts first: `map` the data set with a tokenizer, or use `text("corpus.txt")`',
        "": 'convert it first: `{what}.astype("float32")`',
    }
    what: str
    found: str
    layer: str = ""
    column: str = ""


class BadPair(Diagnostic):
    """Two arguments of a data source or of `from_arrays` must be given together."""

    code = "NS416"
    title = "`{given}` is given without `{missing}`"
    label = "`{missing}` is missing"
    hint = "give both, or neither"
    given: str
    missing: str


class CannotSplit(Diagnostic):
    """A split would leave one of the sets without examples."""

    code = "NS420"
    title = "{part} = {portion} of {examples} examples leaves {left}"
    label = "{left}"
    hint = {
        "few": "write `{part} = 0`, or get more examples",
        "": "write a number from 1 to {most}, or `{part} = 0` for none",
    }
    part: str
    portion: str
    examples: int
    left: str
    most: int


class CannotNormalize(Diagnostic):
    """The inputs cannot be normalized in this way: token ids are not quantities, and their mean has no meaning; the
    statistics of ImageNet are for RGB images from 0 to 1; a list of means has one for each channel.
    """

    code = "NS421"
    title = "`normalize = {scale}` cannot be used for {what}"
    label = "the input `{input}` has {what}"
    hint = {
        "channels": "it is for images of 3 channels: write `normalize = standard`",
        "range": "its statistics are for pixels from 0 to 1: write `normalize = standard`",
        "width": "give one mean and one std, or {width} of each",
        "": "remove `normalize`; an `embedding` turns ids into vectors",
    }
    scale: str
    what: str
    input: str
    width: int


class NoEffect(Diagnostic):
    """A setting of `data` that has no effect for these data."""

    code = "NS422"
    severity = "warning"
    title = {
        "test": "`test` has no effect: the source has its own test split",
        "no classes": "`stratify` has no effect: the data have no single target with one class for each example",
        "no split": "`stratify` has no effect: nothing is held out at random of the training examples",
        "limit": "`limit` has no effect: there are only {examples} examples",
        "class ids": "`class_ids` has no effect: no target has classes without names",
        "batches": "`{option}` has no effect: the batches are those of the iterable",
        "own val": "`val` has no effect: there is an iterable for validation",
    }
    label = "has no effect"
    hint = {
        "test": "remove it; the test split of the source is used",
        "no classes": "remove it",
        "no split": "remove it, or set `val = 10%`",
        "limit": "remove it, or lower it",
        "class ids": "remove it; the classes of the source are numbered already, or its targets are numbers",
        "batches": "remove it, and set this where the iterable is made",
        "own val": "remove it",
    }
    option: str
    examples: int
