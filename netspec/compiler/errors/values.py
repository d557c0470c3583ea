"""NS2xx, second half: what expressions and files mean."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic
from netspec.language.record import record


@record
class NoNetwork(Diagnostic):
    """The file has settings and definitions, and no expression that is the network.

    Wrong:
        input 8
        hidden = dense(16, relu)

    Right:
        input 8
        hidden = dense(16, relu)
        hidden -> dense(2, softmax)
    """

    code = "NS211"
    title = "the file has no network"
    label = "{where}"
    hint = "{advice}"
    where: str = "no chain of layers up to here"
    advice: str = "add a chain on a line of its own, such as `dense(16, relu) -> dense(10, softmax)`"


@record
class TwoNetworks(Diagnostic):
    """Two expressions stand on lines of their own; only one can be the network.

    Wrong:
        input 8
        dense(16, relu)
        dense(2, softmax)

    Right:
        input 8
        dense(16, relu)
        -> dense(2, softmax)
    """

    code = "NS212"
    title = "this is a second network"
    label = "not connected with the one before"
    hint = "begin the line with `->` to go on with the chain, or name each: `output a = …`"


@record
class NoInput(Diagnostic):
    """The shape of the input is not known.

    Wrong:
        conv(16) -> gap -> dense(10, softmax)

    Right:
        input 28x28x1
        conv(16) -> gap -> dense(10, softmax)
    """

    code = "NS213"
    title = "the shape of the input is not known"
    label = "{label_words}"
    hint = "{advice}"
    label_words: str = "takes the input"
    advice: str = "add a line such as `input 28x28x1`, or a data source, or use `--input 28x28x1` or `--data mnist`"


@record
class CannotSet(Diagnostic):
    """A `-D name=value` on the command line names no `param` of the file, or has a value of another type; or `--input`
    is no shape, or stands beside an `input` of the file."""

    code = "NS214"
    title = "cannot set `{name}` from the command line: {reason}"
    label = "{label_words}"
    hint = "{advice}"
    name: str
    reason: str
    label_words: str = "given here"
    advice: str


@record
class CannotChain(Diagnostic):
    """Something stands in a chain that is no layer, or behind a `->` though it is a tensor; or what should be one
    tensor is none, or several.

    Wrong:
        input 8
        n = 16
        n -> dense(2)

    Right:
        input 8
        n = 16
        dense(n) -> dense(2)
    """

    code = "NS215"
    title = "{what} cannot stand {where}"
    label = "{what}"
    hint = "{advice}"
    what: str
    where: str = "in a chain"
    advice: str


@record
class CannotCombine(Diagnostic):
    """An operator gets values that it cannot join.

    Wrong:
        input 8
        dense(4) + 3 -> dense(2)

    Right:
        input 8
        dense(4) + dense(4) -> dense(2)
    """

    code = "NS216"
    title = "`{operator}` cannot join {left} and {right}"
    label = "{left} {operator} {right}"
    hint = "{advice}"
    operator: str
    left: str
    right: str
    advice: str = "it joins two numbers, or two layers or tensors"


@record
class UnknownAttribute(Diagnostic):
    """A size is asked of something that has none, or has no such size.

    Wrong:
        input 8
        dense(input.height) -> dense(2)

    Right:
        input 8
        dense(input.features) -> dense(2)
    """

    code = "NS217"
    title = "{what} has no `{attribute}`"
    label = "not known"
    hint = "{advice}"
    what: str
    attribute: str
    advice: str


@record
class UnknownUnit(Diagnostic):
    """A word behind a number that is no unit; mostly a forgotten comma or `*`.

    Wrong:
        input 8
        dense(10 softmax)

    Right:
        input 8
        dense(10, softmax)
    """

    code = "NS218"
    title = "`{unit}` is no unit"
    label = "behind the number {number}"
    hint = "{advice}"
    unit: str
    number: str
    advice: str


@record
class UnknownSection(Diagnostic):
    """A section that netspec does not know, or one that stands twice.

    Wrong:
        input 8
        dense(2)
        trian { epochs = 3 }

    Right:
        input 8
        dense(2)
        train { epochs = 3 }
    """

    code = "NS219"
    title = "{problem}"
    label = "here"
    hint = "{advice}"
    problem: str
    advice: str


@record
class NotCallable(Diagnostic):
    """Parentheses behind a name that takes no arguments.

    Wrong:
        input 8
        hidden = dense(16)
        hidden(3) -> dense(2)

    Right:
        input 8
        def hidden(n) = dense(n)
        hidden(3) -> dense(2)
    """

    code = "NS220"
    title = "`{name}` takes no arguments"
    label = "{what}"
    hint = "{advice}"
    name: str
    what: str
    advice: str


@record
class BadArithmetic(Diagnostic):
    """A division by zero, or a number beyond all use.

    Wrong:
        input 8
        n = 0
        dense(16 // n) -> dense(2)

    Right:
        input 8
        n = 2
        dense(16 // n) -> dense(2)
    """

    code = "NS221"
    title = "{problem}"
    label = "here"
    hint = "{advice}"
    problem: str
    advice: str


@record
class TooLarge(Diagnostic):
    """More layers than anybody can want; mostly a repetition inside a repetition.

    Wrong:
        input 8
        (dense(8) * 1000) * 1000 -> dense(2)

    Right:
        input 8
        dense(8) * 1000 -> dense(2)
    """

    code = "NS222"
    title = "the network has more than {limit:,} {what}"
    label = "the limit is reached here"
    hint = "lower the numbers behind `*`; names inside names multiply, too"
    limit: int
    what: str = "layers"


@record
class NoClasses(Diagnostic):
    """`classes` stands for the number of classes in the data, and no data source is named, or it has no classes.

    Wrong:
        input 8
        dense(classes, softmax)

    Right:
        input 8
        dense(10, softmax)
    """

    code = "NS223"
    title = "the number of classes is not known"
    label = "{label_words}"
    hint = "{advice}"
    label_words: str = "no data source"
    advice: str = "name a source in `data { source = … }`, use `--data`, or write the number"


@record
class ConditionUnknown(Diagnostic):
    """A condition is not true or false, or depends on a size that is not known before the data come.

    Wrong:
        input (H, W, 3)
        conv(8) -> (gap if input.height > 8 else flatten) -> dense(2)

    Right:
        input 16x16x3
        conv(8) -> (gap if input.height > 8 else flatten) -> dense(2)
    """

    code = "NS224"
    title = "{problem}"
    label = "{label_words}"
    hint = "{advice}"
    problem: str
    label_words: str
    advice: str


@record
class SharedShape(Diagnostic):
    """A shared layer is used for a shape that its weights do not fit.

    Wrong:
        input a: 8
        input b: 9
        share tower = dense(4)
        (a -> tower | b -> tower) -> concat -> dense(2)

    Right:
        input a: 8
        input b: 8
        share tower = dense(4)
        (a -> tower | b -> tower) -> concat -> dense(2)
    """

    code = "NS225"
    title = "the weights of `{name}` are made for {first}, and {second} reaches it here"
    label = "gets {second}"
    hint = "share a layer between inputs of equal shape only"
    name: str
    first: str
    second: str


@record
class NoValue(Diagnostic):
    """The body of a `def` does not end with what flows out of it, or a value stands in the middle of it.

    Wrong:
        input 8
        def block(n) {
            h = dense(n)
        }
        block(4)

    Right:
        input 8
        def block(n) {
            h = dense(n)
            h -> relu
        }
        block(4)
    """

    code = "NS226"
    title = "{problem}"
    label = "here"
    hint = "{advice}"
    problem: str
    advice: str


@record
class ArgumentOrder(Diagnostic):
    """An argument without a name stands behind one with a name, or behind the activation, which is the last one.

    Wrong:
        input 8x8x1
        conv(filters = 8, 3x3) -> gap -> dense(2)

    Right:
        input 8x8x1
        conv(8, 3x3) -> gap -> dense(2)
    """

    code = "NS227"
    title = "{problem}"
    label = "{label_words}"
    hint = "{advice}"
    problem: str = "an argument without a name stands behind one with a name"
    label_words: str = "has no name"
    advice: str = "put it first, or give it its name"


@record
class NoMeaningHere(Diagnostic):
    """A tensor where only a number, a word or a layer has a meaning: `input` in a settings section, or in a file that
    another one uses.

    Wrong:
        input 8
        dense(2)
        train { batch = input.features }

    Right:
        input 8
        dense(2)
        train { batch = 8 }
    """

    code = "NS228"
    title = "{what} has no meaning {where}"
    label = "here"
    hint = "{advice}"
    what: str
    where: str
    advice: str
