"""NS2xx, second half: what expressions and files mean."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NoNetwork(Diagnostic):
    """The file has settings and definitions, and no expression that is the network."""

    code = "NS211"
    title = "the file has no network"
    label = "{where}"
    where: str = "no chain of layers up to here"
    advice: str = "add a chain on a line of its own, such as `dense(16, relu) -> dense(10, softmax)`"


class TwoNetworks(Diagnostic):
    """Two expressions stand on lines of their own; only one can be the network."""

    code = "NS212"
    title = "this is a second network"
    label = "not connected with the one before"
    hint = "begin the line with `->` to go on with the chain, or name each: `output a = …`"


class NoInput(Diagnostic):
    """The shape of the input is not known."""

    code = "NS213"
    title = "the shape of the input is not known"
    label = "{label_words}"
    label_words: str = "takes the input"
    advice: str = "add a line such as `input 28x28x1`, or a data source, or use `--input 28x28x1` or `--data mnist`"


class CannotSet(Diagnostic):
    """A `-D name=value` on the command line names no `param` of the file, or has a value of another type; or `--input`
    is no shape, or stands beside an `input` of the file."""

    code = "NS214"
    title = "cannot set `{name}` from the command line: {reason}"
    label = "{label_words}"
    name: str
    reason: str
    label_words: str = "given here"


class CannotChain(Diagnostic):
    """Something stands in a chain that is no layer, or behind a `->` though it is a tensor; or what should be one
    tensor is none, or several.
    """

    code = "NS215"
    title = "{what} cannot stand {where}"
    label = "{what}"
    what: str
    where: str = "in a chain"


class CannotCombine(Diagnostic):
    """An operator gets values that it cannot join."""

    code = "NS216"
    title = "`{operator}` cannot join {left} and {right}"
    label = "{left} {operator} {right}"
    operator: str
    left: str
    right: str
    advice: str = "it joins two numbers, or two layers or tensors"


class UnknownAttribute(Diagnostic):
    """A size is asked of something that has none, or has no such size."""

    code = "NS217"
    title = "{what} has no `{attribute}`"
    label = "not known"
    what: str
    attribute: str


class UnknownUnit(Diagnostic):
    """A word behind a number that is no unit; mostly a forgotten comma or `*`."""

    code = "NS218"
    title = "`{unit}` is no unit"
    label = "behind the number {number}"
    unit: str
    number: str


class UnknownSection(Diagnostic):
    """A section that netspec does not know, or one that stands twice."""

    code = "NS219"
    title = "{problem}"
    label = "here"
    problem: str


class NotCallable(Diagnostic):
    """Parentheses behind a name that takes no arguments."""

    code = "NS220"
    title = "`{name}` takes no arguments"
    label = "{what}"
    name: str
    what: str


class BadArithmetic(Diagnostic):
    """A division by zero, or a number beyond all use."""

    code = "NS221"
    title = "{problem}"
    label = "here"
    problem: str


class TooLarge(Diagnostic):
    """More layers than anybody can want; mostly a repetition inside a repetition."""

    code = "NS222"
    title = "the network has more than {limit:,} {what}"
    label = "the limit is reached here"
    hint = "lower the numbers behind `*`; names inside names multiply, too"
    limit: int
    what: str = "layers"


class NoClasses(Diagnostic):
    """`classes` stands for the number of classes in the data, and no data source is named, or it has no classes."""

    code = "NS223"
    title = "the number of classes is not known"
    label = "{label_words}"
    label_words: str = "no data source"
    advice: str = "name a source in `data { source = … }`, use `--data`, or write the number"


class ConditionUnknown(Diagnostic):
    """A condition is not true or false, or depends on a size that is not known before the data come."""

    code = "NS224"
    title = "{problem}"
    label = "{label_words}"
    problem: str
    label_words: str


class SharedShape(Diagnostic):
    """A shared layer is used for a shape that its weights do not fit."""

    code = "NS225"
    title = "the weights of `{name}` are made for {first}, and {second} reaches it here"
    label = "gets {second}"
    hint = "share a layer between inputs of equal shape only"
    name: str
    first: str
    second: str


class NoValue(Diagnostic):
    """The body of a `def` does not end with what flows out of it, or a value stands in the middle of it."""

    code = "NS226"
    title = "{problem}"
    label = "here"
    problem: str


class ArgumentOrder(Diagnostic):
    """An argument without a name stands behind one with a name, or behind the activation, which is the last one."""

    code = "NS227"
    title = "{problem}"
    label = "{label_words}"
    problem: str = "an argument without a name stands behind one with a name"
    label_words: str = "has no name"
    advice: str = "put it first, or give it its name"


class NoMeaningHere(Diagnostic):
    """A tensor where only a number, a word or a layer has a meaning: `input` in a settings section, or in a file that
    another one uses.
    """

    code = "NS228"
    title = "{what} has no meaning {where}"
    label = "here"
    what: str
    where: str


class Unmet(Diagnostic):
    """What the section `expect` asks for is not so. Static figures (`params`, `macs`, `state`, `frozen`, and shapes of
    named tensors) are compared by `netspec check`, measured ones (`test_accuracy`) after training: `test_` and `val_`
    figures are those of the weights that are kept, `train_` ones were measured while the last epoch went on.
    """

    code = "NS229"
    title = "expected {name} {operator} {wanted}, and it is {found}"
    label = "{name} is {found}"
    name: str
    operator: str
    wanted: str
    found: str
    advice: str = "change the network, or the expectation"
