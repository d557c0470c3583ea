"""Recurrent layers: they read a sequence step by step and remember what was."""

from __future__ import annotations

from typing import Any, ClassVar

from netspec.language.kinds import Choice, Count, Flag, Number, OneWord
from netspec.language.shape import Shape, Size, product
from netspec.language.word import Mismatch, option
from netspec.layers.activations import Activation, Sigmoid, Tanh
from netspec.layers.base import BiasInit, Layer, check_rank, dtype_option, known, layer, precision
from netspec.layers.code import Code, Names, PythonCall, PythonName, Shapes, call
from netspec.layers.initializers import Init, Orthogonal


class InnerActivation(OneWord):
    """An activation that is applied at every step, inside the layer."""

    of: str = "activation"

    def accept(self, value: object) -> Any:
        found = super().accept(value)
        if found.has_weights:
            raise Mismatch(self.describe(), value)
        return found

    def describe(self) -> str:
        return "an activation without weights of its own, such as `tanh` or `relu`"


def function_of(activation: Activation) -> Code:
    """The activation itself, to be called later."""
    arguments = activation.arguments()
    function = PythonName(activation.function or "nn.identity")
    return call("functools:partial", function, **arguments) if arguments else function


def check_sequence(layer: Layer, x: Shape) -> None:
    """The tensor has steps, and channels whose number is known.

    Raises:
        Unplaced: it has not.
    """
    advice = "a sequence has two sizes, steps x channels: `input 128x16`"
    if x.rank == 1 and isinstance(x.channels, int):
        advice = f"a vector has no steps; `reshape({x.channels}x1)` reads its numbers as steps"
    elif x.rank > 2 and x.is_known:
        name = "rows" if x.rank == 3 else "slices"
        advice = f"with `reshape({x.sizes[0]}x{product(x.sizes[1:])})` before it the {name} are its steps"
    check_rank(layer, x, (2,), advice)
    known(layer, x.channels, x, "the channels")


class Recurrent(Layer):
    """What recurrent layers share."""

    units: int = option(
        Count(), "how many numbers it remembers, and gives", position=0, aliases=("hidden_size", "hidden_features")
    )
    activation: Activation = option(InnerActivation(), "applied inside, at every step", default=Tanh(), position=1)
    return_: str = option(
        Choice(("sequence", "last")),
        "what comes out: the state after every step, or only after the last one",
        default="sequence",
        aliases=("return_sequences",),
    )
    reverse: bool = option(
        Flag(),
        "begin at the end; every result still stands at its step",
        default=False,
        aliases=("go_backwards", "backward"),
    )
    dropout: float = option(
        Number(0, 1, open_high=True),
        "the probability to drop an input while training, the same ones at all steps of an example",
        default=0.0,
    )
    recurrent_dropout: float = option(
        Number(0, 1, open_high=True),
        "the probability to drop a number of the state on its way into the next step, while training",
        default=0.0,
    )
    bias: bool = option(Flag(), "add a trainable vector before the activation", default=True, aliases=("use_bias",))
    init: Init | None = option(
        OneWord("init"),
        "how the kernel of each gate begins (none: `lecun_normal`)",
        default=None,
        aliases=("kernel_initializer", "kernel_init"),
    )
    recurrent_init: Init = option(
        OneWord("init"),
        "how the recurrent kernel of each gate begins",
        default=Orthogonal(),
        aliases=("recurrent_initializer", "recurrent_kernel_init"),
    )
    bias_init: Init | None = option(
        BiasInit(), "how the bias begins (none: `zeros`)", default=None, aliases=("bias_initializer",)
    )
    frozen: bool = option(
        Flag(), "keep the weights as they begin: they are not trained", default=False, aliases=("trainable",)
    )
    l1: float = option(Number(0), "L1 penalty on both kernels: l1 * sum(|w|) is added to the loss", default=0.0)
    l2: float = option(Number(0), "L2 penalty on both kernels: l2 * sum(w * w) is added to the loss", default=0.0)
    dtype: str | None = dtype_option()

    function: ClassVar[str] = ""
    gates: ClassVar[int] = 1

    reads_mask: ClassVar[int | None] = 0

    def implied_defaults(self) -> dict[str, str]:
        return {"init": "lecun_normal", "bias_init": "zeros"}

    @property
    def activation_word(self) -> Activation | None:
        return None  # it is applied inside, not to the result

    @property
    def has_bias(self) -> bool:
        return False  # nor is the bias added to the result

    def infer(self, x: Shape) -> Shape:
        check_sequence(self, x)
        return Shape((self.units,)) if self.return_ == "last" else x.with_channels(self.units)

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        width = self.gates * self.units
        found: dict[str, tuple[int, ...]] = {"kernel": (known(self, x.channels, x), width)}
        found["recurrent_kernel"] = (self.units, width)
        if self.bias:
            found["bias"] = self.bias_shape(width)
        return found

    def bias_shape(self, width: int) -> tuple[int, ...]:
        return (width,)

    def macs(self, output: Shape, x: Shape) -> Size:
        return x.sizes[0] * (self.gates * self.units * (known(self, x.channels, x) + self.units))

    def module(self, x: Shape) -> PythonCall:
        return call(self.function, known(self, x.channels, x), self.units, **self.arguments())

    def arguments(self) -> dict[str, Code]:
        """The keyword arguments of the module, without those at their defaults."""
        found: dict[str, Code] = {}
        if self.activation != Tanh():
            found["activation"] = function_of(self.activation)
        if not self.bias:
            found["use_bias"] = False
        if self.init is not None:
            found["kernel_init"] = self.init.code()
        if self.recurrent_init != Orthogonal():
            found["recurrent_init"] = self.recurrent_init.code()
        if self.bias and self.bias_init is not None:
            found["bias_init"] = self.bias_init.code()
        rates = {"dropout": self.dropout, "recurrent_dropout": self.recurrent_dropout}
        found.update((name, rate) for name, rate in rates.items() if rate)
        if self.return_ == "last":
            found["return_last"] = True
        if self.reverse:
            found["reverse"] = True
        return {**found, **precision(self.dtype)}

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        assert module is not None
        return PythonCall(module.text, (*tensors, mask))


@layer("rnn")
class SimpleRnn(Recurrent):
    """The plain recurrent layer: at every step the state is computed from the input and the state before.

    The state begins at zero. At steps of padding it stays as it is, and so does what comes out.

    Shape: T x C -> T x units; with return = last: T x C -> units
    Parameters: C * units + units * units + units
    Formula: h(t) = activation(x(t) K + h(t-1) R + b)
    Example: rnn(32)
    Reference: Elman 1990, Finding structure in time.
    """

    aliases = ("SimpleRNN", "RNNCell", "elman")

    function = "nn.SimpleRNN"


class Gated(Recurrent):
    """What layers with gates share."""

    recurrent_activation: Activation = option(
        InnerActivation(), "the function of the gates", default=Sigmoid(), aliases=("gate_activation", "gate_fn")
    )

    def arguments(self) -> dict[str, Code]:
        found = super().arguments()
        if self.recurrent_activation != Sigmoid():
            found["recurrent_activation"] = function_of(self.recurrent_activation)
        return found


@layer("lstm")
class Lstm(Gated):
    """Long short-term memory: a recurrent layer whose cell keeps what its gates let in.

    The gates stand in the order input, forget, candidate, output in all weights, as in Keras and PyTorch. There is one
    bias, as in Keras; PyTorch adds two and so counts 4 * (C * units + units * units + 2 * units) parameters. The state
    begins at zero. At steps of padding it stays as it is, and so does what comes out.

    Shape: T x C -> T x units; with return = last: T x C -> units
    Parameters: 4 * (C * units + units * units + units)
    Formula: i, f, o = sigmoid(x K + h R + b); c = f c + i tanh(x K + h R + b); h = o tanh(c)
    Example: lstm(64)
    Reference: Hochreiter and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000 for the forget gate.
    """

    aliases = ("LSTMCell", "OptimizedLSTMCell", "CuDNNLSTM")

    forget_bias: float = option(
        Number(),
        "where the bias of the forget gate begins, whatever `bias_init`; 1 keeps the memory open, as in Keras",
        default=1.0,
        aliases=("unit_forget_bias",),
    )

    function = "nn.LSTM"
    gates = 4

    def arguments(self) -> dict[str, Code]:
        found = super().arguments()
        if self.bias and self.forget_bias != 1.0:
            found["forget_bias"] = self.forget_bias
        return found


@layer("gru")
class Gru(Gated):
    """Gated recurrent unit: a recurrent layer with an update gate and a reset gate, and no cell beside the state.

    The gates stand in the order update, reset, candidate in all weights, as in Keras; PyTorch has reset first. With
    `reset_after` the reset gate works behind the product with R, which then has a bias of its own, as in PyTorch and in
    Keras' default; the paper has it before. The state begins at zero. At steps of padding it stays as it is, and so
    does what comes out.

    Shape: T x C -> T x units; with return = last: T x C -> units
    Parameters: 3 * (C * units + units * units + 2 * units); with reset_after = false: only one bias
    Formula: z, r = sigmoid(x K + h R + b); n = tanh(x K + bk + r (h R + br)); h = z h + (1 - z) n
    Example: gru(64)
    Reference: Cho et al. 2014, arXiv:1406.1078.
    """

    aliases = ("GRUCell", "CuDNNGRU")

    reset_after: bool = option(
        Flag(), "apply the reset gate behind the product with the recurrent kernel", default=True
    )

    function = "nn.GRU"
    gates = 3

    def bias_shape(self, width: int) -> tuple[int, ...]:
        return (2, width) if self.reset_after else (width,)

    def arguments(self) -> dict[str, Code]:
        found = super().arguments()
        if not self.reset_after:
            found["reset_after"] = False
        return found
