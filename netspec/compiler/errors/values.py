"""NS2xx, second half: expressions, sections and files."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NoNetwork(Diagnostic):
    """The file has settings and definitions, but no expression that is the network."""

    code = "NS211"
    title = "the file defines no network"
    label = {"": "no chain of layers up to here", "named": "this only defines a name"}
    hint = {
        "": "add a chain on its own line, such as `dense(16, relu) -> dense(10, softmax)`",
        "named": "write the network on its own line, such as `{name}`",
    }
    name: str = ""


class TwoNetworks(Diagnostic):
    """Two expressions are on separate lines; only one can be the network."""

    code = "NS212"
    title = "this is a second network"
    label = "not connected to the one before"
    hint = "begin the line with `->` to continue the chain, or name each network: `output a = …`"


class NoInput(Diagnostic):
    """The shape of the input is not known."""

    code = "NS213"
    title = "the shape of the input is not known"
    label = "takes the input"
    hint = "add a line such as `input 28x28x1`, name a data source, or use `--input 28x28x1` or `--data mnist`"


class CannotSet(Diagnostic):
    """A `-D name=value` on the command line, or a name of `params` in Python, is not a `param` of the file, or its
    value has the wrong type; or `--input` is not a shape, or the file already declares an `input`.
    """

    code = "NS214"
    title = {
        "value": "cannot set `{name}`: `{text}` is not a value",
        "param": "cannot set `{name}`: the file has no such `param`",
        "option": "cannot set `{name}`: no word of `{text}` has such an option",
        "type": "cannot set `{name}`: `{text}` is not {wanted}",
        "declared": "cannot set `input`: the file already declares an input",
        "shape": "cannot set `input`: `{text}` is not a shape",
    }
    label = {"": "given here", "param": "unknown name", "option": "unknown option", "declared": "declared here"}
    hint = {
        "value": "write `{advice}`, with the value as it would be in the file",
        "param": "{advice}",
        "option": "{advice}",
        "type": "its default is `{default}`; give {wanted}",
        "declared": "leave out `--input`, or remove this line",
        "shape": "write sizes such as `--input 28x28x1`",
    }
    name: str = "input"
    text: str = ""
    wanted: str = ""
    default: str = ""


class CannotChain(Diagnostic):
    """Something in a chain is not a layer, or a tensor follows `->`; or a single tensor is needed, and there is none or
    there are several.
    """

    code = "NS215"
    title = {
        "": "{what} cannot be part of a chain",
        "number": "{what} cannot be part of a chain",
        "parameter": "{what} cannot be part of a chain",
        "input": "{what} is the input of the block, which is not a parameter",
        "branch": "{what} cannot be a branch",
        "tensor": "a tensor cannot follow `->`",
        "share": "{what} cannot be shared",
        "block": "{what} cannot be the result of a block",
        "network": "{what} cannot be the network",
        "list": "{what} cannot be the network",
        "several": "several tensors ({what}) cannot be the network",
    }
    label = {"": "{what}", "input": "not a parameter", "tensor": "a tensor", "several": "{what}"}
    hint = {
        "": "{advice}",
        "number": "to make a layer of it, write `dense({text})`",
        "parameter": "a block has its input without a parameter: remove `{text}` from `def`, and begin with `input`",
        "input": "{advice}",
        "branch": "branches are layers or tensors; to choose one of two values write `a if condition else b`",
        "tensor": "a tensor begins a chain, and a layer follows `->` (to join two tensors: `(a | b) -> concat`)",
        "share": "share a layer: `share embed = embedding(64)`",
        "block": "end a definition with a layer or a tensor",
        "network": "the network is a layer or a tensor",
        "list": "{advice}",
        "several": "join them, as in `(a | b) -> concat`, or name each: `output a = …`",
    }
    what: str = ""
    text: str = ""


class CannotCombine(Diagnostic):
    """An operator gets values that it cannot combine."""

    code = "NS216"
    title = {"": "`{operator}` cannot combine {left} and {right}", "unary": "`{operator}` cannot be applied to {right}"}
    label = {"": "{left} {operator} {right}", "unary": "{right}"}
    hint = {
        "": "`{operator}` works on numbers only",
        "-": "`-` works on numbers only; to subtract a layer or tensor write `a + (b -> scale(-1))`",
        "+": "it adds two numbers, or two layers or tensors",
        "*": "it multiplies two numbers, or repeats a layer: `dense(8) * 3`",
        "order": "the layer comes first: `{swapped}`",
        "words": "join them by an arrow: `{swapped}`",
        "size": "an unknown size takes +, - and *, and // by a positive integer",
        "compare": "compare numbers with numbers",
        "unary": "it needs a number",
    }
    operator: str
    left: str = ""
    right: str
    swapped: str = ""


class UnknownAttribute(Diagnostic):
    """A size is read from something that has no sizes, or not this one."""

    code = "NS217"
    title = "{what} has no `{attribute}`"
    label = "unknown size"
    hint = {
        "": "{advice}",
        "value": "sizes belong to tensors: `input.channels`, or a name given to a tensor",
        "several": "read it from one of them by name; "
        "a block takes further tensors as arguments: `def block(memory, n) = …`",
        "sizes": "it has: {advice}",
    }
    what: str
    attribute: str


class UnknownUnit(Diagnostic):
    """A word after a number that is not a unit: usually a missing comma or `*`."""

    code = "NS218"
    title = "unknown unit `{unit}`"
    label = "follows the number {number}"
    hint = {"": "{advice}", "comma": "put a comma between `{number}` and `{unit}`"}
    unit: str
    number: str


class UnknownSection(Diagnostic):
    """A section that netspec does not know, or that is given twice."""

    code = "NS219"
    title = {"": "unknown section `{name}`", "twice": "the section `{name}` is given twice"}
    label = {"": "not a section", "twice": "given again here"}
    hint = {"": "{advice}", "twice": "put all its settings into one section"}
    name: str


class NotCallable(Diagnostic):
    """Parentheses after a name that takes no arguments."""

    code = "NS220"
    title = "`{name}` takes no arguments"
    label = "is {what}"
    hint = {
        "": "use `{name}` without parentheses, or define it with parameters: `def {name}(n) = …`",
        "layer": "a layer is not called with its input: write `{advice}`",
    }
    name: str
    what: str


class BadArithmetic(Diagnostic):
    """A division by zero, or a number, formula or list that is far too large."""

    code = "NS221"
    title = {
        "zero": "`{text}` divides by zero",
        "large": "this number is too large",
        "formula": "this formula is too long",
        "long list": "this list has more than {limit:,} values",
        "deep list": "lists are nested more than {limit} levels deep",
    }
    label = {"": "here", "zero": "division by zero"}
    hint = {
        "zero": "use a divisor of at least 1",
        "large": "numbers go up to {limit:.0e}",
        "formula": "use fewer unknown sizes",
        "long list": "give fewer weights",
        "deep list": "weights have at most 5 levels",
    }
    text: str = ""
    limit: int = 0


class TooLarge(Diagnostic):
    """Far too many layers: usually a repetition inside a repetition."""

    code = "NS222"
    title = "the network has more than {limit:,} {what}"
    label = "the limit is reached here"
    hint = {
        "": "lower the numbers after `*`; nested repetitions multiply, and so does a name of layers that is used twice:"
        " they are made anew at each use, except where the name begins with `input -> …`",
        "branches": "lower the numbers after `*`; nested repetitions multiply",
    }
    limit: int
    what: str = "layers"


class NoClasses(Diagnostic):
    """`classes` is the number of classes in the data, but no data source is named, or its targets are not classes."""

    code = "NS223"
    title = "the number of classes is not known"
    label = {"": "no data source", "numbers": "the data have no classes"}
    hint = {
        "": "name a source in `data {{ source = … }}`, use `--data`, or write the number",
        "numbers": "the targets are numbers: write the number of units",
    }


class ConditionUnknown(Diagnostic):
    """A condition is not true or false, or depends on a size that is not known before the data are loaded."""

    code = "NS224"
    title = {
        "value": "a condition must be true or false",
        "size": "whether {left} {operator} {right} is not known before the data are loaded",
    }
    label = {"value": "this is {left}", "size": "depends on {unknown}"}
    hint = {"value": "compare it with something, as in `n > 1`", "size": "write sizes as numbers in the `input` line"}
    left: str
    operator: str = ""
    right: str = ""
    unknown: str = ""


class SharedShape(Diagnostic):
    """A shared layer is used for a shape that its weights do not fit."""

    code = "NS225"
    title = "the weights of `{name}` are for inputs of {first}, but here it gets {second}"
    label = "gets {second}"
    hint = "share a layer only between inputs of equal shape"
    name: str
    first: str
    second: str


class NoValue(Diagnostic):
    """The body of a `def` does not end with its result, or has a value in the middle; or a line of a section is not a
    setting or an expectation.
    """

    code = "NS226"
    title = {
        "end": "the body of `{name}` does not end with a value",
        "assignment": "the body of `{name}` does not end with a value",
        "middle": "this value is not used",
        "setting": "this is not a setting of `{name}`",
        "expectation": "this is not an expectation",
        "turned": "this is not an expectation",
        "assigned": "this is not an expectation",
    }
    label = {
        "": "expected a result",
        "middle": "in the middle of a body",
        "setting": "expected `name = value`",
        "expectation": "expected a comparison",
        "turned": "expected a name, a comparison and a value",
        "assigned": "expected a comparison",
    }
    hint = {
        "end": "end it with its result, such as `h -> relu`",
        "assignment": "end it with its result: write `{last}` on the next line",
        "middle": "give it a name (`h = …`), or begin the next line with `->`",
        "setting": "{advice}",
        "expectation": "write a comparison such as `params < 1M` or `test_accuracy >= 99%`",
        "turned": "write `{name}`",
        "assigned": "write `==` to compare: `{name} == {last}`",
    }
    name: str = ""
    last: str = ""


class ArgumentOrder(Diagnostic):
    """A positional argument follows one given by name, or follows the activation, which is the last one."""

    code = "NS227"
    title = {
        "": "positional argument after a named argument",
        "activation": "the activation of `{word}` is its last positional argument",
    }
    label = {"": "has no name", "activation": "follows the activation"}
    hint = {"": "put it first, or pass it by name", "activation": "write {advice}"}
    word: str = ""


class NoMeaningHere(Diagnostic):
    """A tensor where only a number, a word or a layer is allowed: `input` in a settings section, or in a file that
    another one uses.
    """

    code = "NS228"
    title = {
        "": "{what} cannot be used here, outside the network",
        "early": "{what} cannot be used before the line that declares it",
        "used file": "{what} cannot be used in a file that another file uses",
        "shared": "{what} cannot be used in a file that another file uses",
    }
    label = "not allowed here"
    hint = {
        "": "tensors exist only in the network and its blocks: write a number here, or move this into a `def`",
        "early": "move the line that declares `{name}` up",
        "used file": "the input of a `def` is called `input` there",
        "shared": "move this into a `def`",
    }
    what: str
    name: str = ""


class Unmet(Diagnostic):
    """An expectation in the section `expect` does not hold. `netspec check` compares static values (`params`, `macs`,
    `state`, `frozen`, and shapes of named tensors); metrics (`test_accuracy`) are compared after training: those of
    `test_` and `val_` belong to the weights that are kept, those of `train_` were measured during the last epoch.
    """

    code = "NS229"
    title = "expected {name} {operator} {wanted}, but it is {actual}"
    label = "{name} is {actual}"
    hint = "change the network, or the expectation"
    name: str
    operator: str
    wanted: str
    actual: str
