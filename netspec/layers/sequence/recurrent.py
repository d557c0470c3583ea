"""Recurrent layers."""

from __future__ import annotations

from typing import Any, ClassVar

from netspec.language.kinds import Choice, Count, Flag, Number, OneWord
from netspec.language.shape import Shape, Size, product
from netspec.language.word import Mismatch, option
from netspec.layers.activations import Activation, Sigmoid, Tanh
from netspec.layers.base import (
    BIAS_INIT,
    Layer,
    Regularized,
    bias_option,
    check_rank,
    dropout_option,
    init_option,
    known,
    layer,
    precision,
)
from netspec.layers.code import Code, PythonCall, PythonName, call, given
from netspec.layers.initializers import Initializer, Orthogonal


class InnerActivation(OneWord):
    """An activation that is applied at every step, inside the layer."""

    of: str = "activation"

    def accept(self, value: object) -> Any:
        activation = super().accept(value)
        if activation.has_weights:
            raise Mismatch(self.describe(), value)
        return activation

    def describe(self) -> str:
        return "an activation without weights of its own, such as `tanh` or `relu`"


def function_of(activation: Activation) -> Code:
    """The activation as a function, without calling it."""
    arguments = activation.arguments()
    function = PythonName(activation.python_function)
    return call("functools:partial", function, **arguments) if arguments else function


def check_sequence(layer: Layer, x: Shape) -> None:
    """Whether the tensor is a sequence with a known number of channels.

    Raises:
        Unplaced: it is not.
    """
    advice = "a sequence has two sizes, steps x channels: `input 128x16`"
    if x.rank == 1 and isinstance(x.channels, int):
        advice = f"a vector has no time steps; `reshape({x.channels}x1)` makes each feature a step"
    elif x.rank > 2 and x.is_known:
        name = "rows" if x.rank == 3 else "slices"
        advice = f"put `reshape({x.sizes[0]}x{product(x.sizes[1:])})` before it to use the {name} as time steps"
    check_rank(layer, x, (2,), advice)
    known(layer, x.channels, x, "a fixed number of channels")


class Recurrent(Regularized):
    """Base class of recurrent layers."""

    units: int = option(
        Count(), "the size of the state, and of the output", position=0, aliases=("hidden_size", "hidden_features")
    )
    activation: Activation = option(InnerActivation(), "applied at every step", default=Tanh(), position=1)
    return_: str = option(
        Choice(("sequence", "last")),
        "return the output at every step, or only at the last one",
        default="sequence",
        aliases=("return_sequences",),
    )
    reverse: bool = option(
        Flag(),
        "process the sequence in reverse; outputs keep the order of the steps",
        default=False,
        aliases=("go_backwards", "backward"),
    )
    dropout: float = dropout_option(
        "the probability of dropping an input during training, the same ones at all steps of an example", default=0.0
    )
    recurrent_dropout: float = dropout_option(
        "the probability of dropping a number of the recurrent state between steps during training", default=0.0
    )
    bias: bool = bias_option()
    init: Initializer | None = init_option("initializer of the kernel of each gate (none: `lecun_normal`)")
    recurrent_init: Initializer = option(
        OneWord("init"),
        "initializer of the recurrent kernel of each gate",
        default=Orthogonal(),
        aliases=("recurrent_initializer", "recurrent_kernel_init"),
    )
    bias_init: Initializer | None = BIAS_INIT

    gates: ClassVar[int] = 1

    reads_mask: ClassVar[int | None] = 0

    @property
    def activation_word(self) -> Activation | None:
        return None  # applied inside, not to the output

    @property
    def has_bias(self) -> bool:
        return False  # nor is the bias added to the output

    def infer(self, x: Shape) -> Shape:
        check_sequence(self, x)
        return Shape((self.units,)) if self.return_ == "last" else x.with_channels(self.units)

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        width = self.gates * self.units
        bias = {"bias": self.bias_shape(width)} if self.bias else {}
        return {"kernel": (known(self, x.channels, x), width), "recurrent_kernel": (self.units, width), **bias}

    def bias_shape(self, width: int) -> tuple[int, ...]:
        return (width,)

    def macs(self, output: Shape, x: Shape) -> Size:
        return x.sizes[0] * (self.gates * self.units * (known(self, x.channels, x) + self.units))

    def module(self, x: Shape) -> PythonCall:
        return call(self.function, known(self, x.channels, x), self.units, **self.arguments())

    def arguments(self) -> dict[str, Code]:
        """Keyword arguments of the module: those that differ from its defaults."""
        return given(
            activation=None if self.activation == Tanh() else function_of(self.activation),
            use_bias=None if self.bias else False,
            kernel_init=None if self.init is None else self.init.code(),
            recurrent_init=None if self.recurrent_init == Orthogonal() else self.recurrent_init.code(),
            bias_init=self.bias_init.code() if self.bias and self.bias_init is not None else None,
            dropout=self.dropout or None,
            recurrent_dropout=self.recurrent_dropout or None,
            return_last=self.return_ == "last" or None,
            reverse=self.reverse or None,
            **precision(self.dtype),
        )


@layer("rnn")
class SimpleRnn(Recurrent):
    """Simple recurrent layer: the state at each step is computed from the input and the previous state.

    The initial state is zero. Padded steps leave the state and the output unchanged.

    Shape: T x C -> T x units; with return = last: T x C -> units
    Parameters: C * units + units * units + units
    Formula: h(t) = activation(x(t) K + h(t-1) R + b)
    Example: rnn(32)
    Reference: Elman 1990, Finding structure in time.
    """

    aliases = ("SimpleRNN", "RNNCell", "elman")

    function = "nn.SimpleRNN"


class Gated(Recurrent):
    """Base class of recurrent layers with gates."""

    recurrent_activation: Activation = option(
        InnerActivation(), "the activation of the gates", default=Sigmoid(), aliases=("gate_activation", "gate_fn")
    )

    def arguments(self) -> dict[str, Code]:
        arguments = super().arguments()
        if self.recurrent_activation != Sigmoid():
            arguments["recurrent_activation"] = function_of(self.recurrent_activation)
        return arguments


@layer("lstm")
class Lstm(Gated):
    """Long short-term memory: a recurrent layer with a memory cell and input, forget and output gates.

    In all weights the gates are in the order input, forget, candidate, output, as in Keras and PyTorch. There is one
    bias, as in Keras; PyTorch has two and so counts 4 * (C * units + units * units + 2 * units) parameters. The
    initial state is zero. Padded steps leave the state and the output unchanged.

    Shape: T x C -> T x units; with return = last: T x C -> units
    Parameters: 4 * (C * units + units * units + units)
    Formula: i, f, o = sigmoid(x K + h R + b); c = f c + i tanh(x K + h R + b); h = o tanh(c)
    Example: lstm(64)
    Reference: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 for the forget gate.
    """

    aliases = ("LSTMCell", "OptimizedLSTMCell", "CuDNNLSTM")

    forget_bias: float = option(
        Number(),
        "the initial bias of the forget gate, whatever `bias_init` is; 1 favors remembering, as in Keras",
        default=1.0,
        aliases=("unit_forget_bias",),
    )

    function = "nn.LSTM"
    gates = 4

    def arguments(self) -> dict[str, Code]:
        forget = {"forget_bias": self.forget_bias} if self.bias and self.forget_bias != 1.0 else {}
        return {**super().arguments(), **forget}


@layer("gru")
class Gru(Gated):
    """Gated recurrent unit: a recurrent layer with an update gate and a reset gate.

    In all weights the gates are in the order update, reset, candidate, as in Keras; PyTorch has reset first. With
    `reset_after` the reset gate is applied after the product with R, which then has a separate bias, as in PyTorch and
    by default in Keras; the paper applies it before. The initial state is zero. Padded steps leave the state and the
    output unchanged.

    Shape: T x C -> T x units; with return = last: T x C -> units
    Parameters: 3 * (C * units + units * units + 2 * units); with reset_after = false: only one bias
    Formula: z, r = sigmoid(x K + h R + b); n = tanh(x K + bk + r (h R + br)); h = z h + (1 - z) n
    Example: gru(64)
    Reference: Cho et al. 2014, arXiv:1406.1078.
    """

    aliases = ("GRUCell", "CuDNNGRU")

    reset_after: bool = option(Flag(), "apply the reset gate after the product with the recurrent kernel", default=True)

    function = "nn.GRU"
    gates = 3

    def bias_shape(self, width: int) -> tuple[int, ...]:
        return (2, width) if self.reset_after else (width,)

    def arguments(self) -> dict[str, Code]:
        return {**super().arguments(), **({} if self.reset_after else {"reset_after": False})}
