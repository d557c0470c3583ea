"""NS544 to NS547: networks that are exported."""

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
    label = "no operator for it"
    hint = "use another layer or option here, or another format: `netspec export --help` lists them"
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
