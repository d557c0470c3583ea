"""NS544 to NS547 and NS570 to NS575: networks that are exported and imported."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class Unsupported(Exception):
    """What a format has nothing for; the text says what it is, such as `the activation mish inside`. It becomes
    `NotInFormat` at the line of the layer."""


class NotInFormat(Diagnostic):
    """The format has nothing that computes what this layer does.

    `netspec export --help` lists the formats. Most layers have equivalents everywhere; exceptions are user-defined
    layers, unusual activations inside recurrent layers, computation in f16 or bf16, and a few layers for inputs whose
    sizes are not known.
    """

    code = "NS544"
    title = "{format} cannot carry {what}"
    label = {"": "no operator for it", "loss": "computed after the last layer"}
    hint = {
        "": "use another layer or option here, or another format: `netspec export --help` lists them",
        "loss": "train with `quantile(0.05, 0.5, 0.95)` instead",
    }
    format: str
    what: str


class OtherResults(Diagnostic):
    """The exported model computes something else than netspec, so no file is written.

    The difference is the largest one between two numbers of an output, divided by the largest number of that output;
    after a sigmoid it is not divided.
    This should not happen: please report it with the spec. Numbers that are not finite, and steps in the function
    (the activation `step`, `max` of nearly equal numbers), can be the reason too.
    """

    code = "NS545"
    title = "the exported model differs: output `{output}` by {difference} of its scale, where {tolerance} is allowed"
    hint = "nothing is written; please report this with the spec"
    output: str
    difference: str
    tolerance: str


class MissingPackage(Diagnostic):
    """Writing this format needs packages that are not installed: they are an extra of netspec."""

    code = "NS546"
    title = "writing {format} needs the package `{package}`"
    hint = "install it with `pip install 'netspec-compiler[{extra}]'`"
    format: str
    package: str
    extra: str


class Refused(Diagnostic):
    """The checker or the runtime of the format refuses the exported model, so no file is written."""

    code = "NS547"
    title = "{tool} refuses the exported model: {reason}"
    hint = "nothing is written; please report this with the spec"
    tool: str
    reason: str


class NotAModel(Diagnostic):
    """The file is not a network in a format that netspec reads, or it is damaged.

    `netspec import --help` lists the formats. The ending of the file says which one it is, or `--from`.
    """

    code = "NS570"
    title = {
        "unknown": "the format of `{file}` is not known",
        "spec": "`{file}` is a spec of netspec already",
        "": "`{file}` cannot be read as {format}: {reason}",
    }
    hint = "{advice}"
    file: str
    format: str = ""
    reason: str = ""


class NotInNetspec(Diagnostic):
    """The imported network has something that the language cannot say. All of them are reported in one run.

    Often it is an operator for boxes in images or for text processing, or a graph that changes with its input. What is
    not needed for the outputs can be cut off in the program that wrote the file; a layer of your own can be declared in
    Python (docs/own_words.md), and the rest of the network written by hand.
    """

    code = "NS571"
    title = "`{what}` cannot be imported: {reason}"
    label = "not in the language"
    hint = "{advice}"
    what: str
    reason: str


class NotImported(Diagnostic):
    """Something in the file has no influence on predictions, or no equal in netspec, and is left out; the network
    computes the same. Settings of a training are the usual case: an optimizer with an option that netspec lacks."""

    code = "NS572"
    severity = "warning"
    title = "`{what}` is not imported: {reason}"
    hint = "{advice}"
    what: str
    reason: str


class ReadsDiffer(Diagnostic):
    """The imported network computes something else than the program that the file is from, so no file is written.

    The difference is the largest one between two numbers of an output, divided by the largest number of that output;
    after a sigmoid it is not divided. This should not happen: please report it with the file. Numbers that are not
    finite can be the reason too.
    """

    code = "NS573"
    title = "the imported network differs: output `{output}` by {difference} of its scale, where {tolerance} is allowed"
    hint = "nothing is written; please report this with the file"
    output: str
    difference: str
    tolerance: str


class ReadingNeeds(Diagnostic):
    """Reading this format needs packages that are not installed."""

    code = "NS574"
    title = "reading {format} needs the package `{package}`"
    hint = "install it with `{advice}`"
    format: str
    package: str


class NoWeights(Diagnostic):
    """The file describes a network without its weights, or without those of some layers: they are in another file.

    Keras keeps them in a `.keras` or `.h5` file, not in the JSON text; Caffe in a `.caffemodel`, Darknet in a
    `.weights`, MXNet in a `.params` file, which is given after the first one: `netspec import net.cfg net.weights`.
    """

    code = "NS575"
    title = "there are no weights in `{file}`{layers}"
    hint = "{advice}"
    file: str
    layers: str = ""
