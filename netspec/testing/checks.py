"""Checks of layers, activations and initializers that need only the declaration."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.language.reference.entries import word_page
from netspec.layers.activations import Activation
from netspec.layers.base import Layer
from netspec.layers.initializers import Initializer
from netspec.testing.docs import INPUTS, check_docs, check_example, in_a_net
from netspec.testing.grid import Grid, Values
from netspec.testing.modules import check_module, compiled, has_errors, require

ODD_INPUTS = ("7x4", "9x7x4", "5x6x7x4")


def check_layer(
    word: type[Layer], *, inputs: Sequence[str] = INPUTS, net: str | None = None, values: Values | None = None
) -> None:
    """Check a layer against its declaration.

    The docstring has a summary and the lines `Shape:` and `Example:`. For every input shape and every change of one
    option, and of two options for sizes, either the checker reports one mistake (NS3xx, or a user-defined code), or the
    emitted module returns the declared shape and has the declared weights and state. The formulas hold for unknown
    sizes. If the layer reads masks, padded steps change nothing. It takes token ids only to look them up or to pass
    them on.

    Args:
        word: the class under `@layer`.
        inputs: the input shapes, as they are written in a spec.
        net: a network with `{call}` for the layer, after the line `input`; for inputs of different shapes.
        values: values to try for options of user-defined kinds.

    Raises:
        AssertionError: one of these conditions does not hold.
    """
    check_docs(word, facts=("Shape", "Example"))
    grid = Grid(word, tuple(inputs), net, values or {})
    alone, pairs = grid.calls()
    checked = [grid.check(call, shape) for call in alone for shape in inputs]
    checked += [grid.check(call, shape) for call in pairs for shape in ODD_INPUTS if shape in inputs]
    require(any(checked), f"{word.word}: no arguments fit any input")
    for call in alone:
        grid.check_symbolic(call)
    check_ids(word)
    if word.reads_mask is not None:
        masked = [grid.check_mask(call) for call in grid.ways_to_work()]
        require(any(masked), f"{word.word}: no arguments fit a padded sequence")


def check_activation(word: type[Activation]) -> None:
    """Check that an activation can be used as a bare word, on inputs of every rank, and keeps the shape.

    Raises:
        AssertionError: it does not.
    """
    check_docs(word, facts=("Example",))
    check_example(word)
    check_ids(word)
    required = [option.name for option in word.options() if option.is_required]
    require(not required, f"{word.word}: {', '.join(required)} has no default, so the bare word cannot be used")
    for shape in ("12", "7x4", "9x7x4", "5x6x7x4"):
        as_layer = compiled(f"input {shape}\n{word.word} -> identity")
        require(not has_errors(as_layer), f"{word.word} does not take {shape}")
        check_module(as_layer, f"{word.word} on {shape}")
    check_module(compiled(f"input 7x4\ndense(3, {word.word}) -> scale(2)"), word.word)


def check_init(word: type[Initializer], *, arguments: str | None = None) -> None:
    """Check that an initializer initializes the kernels of a dense layer and of a convolution.

    Args:
        word: the class under `@init`.
        arguments: the text in parentheses, if 1 is not a valid value of the options without a default.

    Raises:
        AssertionError: it does not.
    """
    check_docs(word, facts=("Example",))
    check_example(word)
    if arguments is None:
        arguments = ", ".join(o.kind.to_source(1.0) for o in word.options() if o.is_required)
    call = f"{word.word}({arguments})" if arguments else word.word
    for layer in ("dense(4", "conv(4, 3x3"):
        spec = compiled(f"input 9x7x4\n{layer}, init = {call})")
        require(not has_errors(spec), f"{layer}, init = {call}) does not compile; give `arguments`")
        check_module(spec, call)


def check_ids(word: type[Layer | Activation]) -> None:
    """Check that a word refuses token ids, looks them up, or passes them on as `identity` does.

    Raises:
        AssertionError: it computes with them.
    """
    text = word_page(word).facts["Example"] if issubclass(word, Layer) else f"{word.word} -> identity"
    spec = compiled(in_a_net(word, text, "6 tokens(11)"))
    if not has_errors(spec):
        assert spec.graph is not None
        ids = [node.word for node in spec.graph.nodes if node.shape.is_tokens]
        require(set(ids) <= {"input", "identity"}, f"{word.word}: gives token ids, as if they were numbers")
