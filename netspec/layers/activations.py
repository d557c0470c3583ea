"""Activations: words of their own, usable as an option (`dense(10, relu)`) and as a layer (`-> relu`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, TypeVar, dataclass_transform

from netspec.kinds import Flag, Number
from netspec.layers.base import Code, Layer, Names, PythonCall, PythonName, Shapes, call, check_numbers
from netspec.record import record
from netspec.shape import Shape
from netspec.values import Word
from netspec.vocabulary import option, register


@record
class Activation(Word):
    """Base of every activation: a function of each number, or of the last axis (softmax)."""

    category: ClassVar[str] = "activation"

    function: ClassVar[str] = ""
    """Its name in emitted code."""
    has_weights: ClassVar[bool] = False
    """Needs a module of its own (`prelu`): override `module` and `parameters`."""
    is_head: ClassVar[bool] = False
    """Turns logits into probabilities: at the end of a net it is peeled off for the stable loss."""

    def code(self, x: Code) -> Code:
        """The expression that applies it to `x`."""
        return call(self.function, x, **self.arguments())

    def arguments(self) -> dict[str, Code]:
        return {}

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        """For those with weights: their shapes by their names in the module."""
        return {}

    def module(self, x: Shape) -> PythonCall | None:
        """For those with weights: the constructor of the module that holds them; it gets no random keys."""
        return None


A = TypeVar("A", bound=type[Activation])


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def activation(name: str) -> Callable[[A], A]:
    """Declare an activation.

    Raises:
        ValueError: the name is taken, or is no lower-case word.
    """
    return register("activation", name)  # type: ignore[return-value]  # the same class comes back


@activation("linear")
class Linear(Activation):
    """Leaves the numbers as they are: y = x.

    Example: dense(1, linear)
    """

    elsewhere = ("none",)

    def code(self, x: Code) -> Code:
        return x


@activation("relu")
class Relu(Activation):
    """Rectified linear unit: y = max(x, 0).

    Example: dense(32, relu)
    Reference: Nair and Hinton 2010.
    """

    function = "nn.relu"


@activation("relu6")
class Relu6(Activation):
    """Rectified linear unit, cut off at 6: y = min(max(x, 0), 6).

    Example: dense(32, relu6)
    Reference: Krizhevsky 2010.
    """

    function = "nn.relu6"


@activation("leaky_relu")
class LeakyRelu(Activation):
    """Rectified linear unit with a small slope below zero: y = x if x > 0 else slope * x.

    Example: dense(32, leaky_relu(0.1))
    Reference: Maas, Hannun and Ng 2013.
    """

    slope: float = option(Number(0), "the slope below zero", default=0.01, position=0)
    function = "nn.leaky_relu"

    def arguments(self) -> dict[str, Code]:
        return {"negative_slope": self.slope}


@activation("prelu")
class Prelu(Activation):
    """Rectified linear unit whose slope below zero is learned, one number for the whole layer, from 0.01.

    Example: dense(32, prelu)
    Reference: He et al. 2015, arXiv:1502.01852.
    """

    has_weights = True

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return {"negative_slope": ()}

    def module(self, x: Shape) -> PythonCall:
        return call("nn.PReLU")


@activation("elu")
class Elu(Activation):
    """Exponential linear unit: y = x if x > 0 else alpha * (exp(x) - 1).

    Example: dense(32, elu)
    Reference: Clevert, Unterthiner and Hochreiter 2015, arXiv:1511.07289.
    """

    alpha: float = option(Number(0, open_low=True), "the limit below zero", default=1.0, position=0)
    function = "nn.elu"

    def arguments(self) -> dict[str, Code]:
        return {} if self.alpha == 1.0 else {"alpha": self.alpha}


@activation("selu")
class Selu(Activation):
    """Self-normalising unit: y = 1.0507 * (x if x > 0 else 1.6733 * (exp(x) - 1)).

    Example: dense(32, selu)
    Reference: Klambauer et al. 2017, arXiv:1706.02515.
    """

    function = "nn.selu"


@activation("celu")
class Celu(Activation):
    """Continuously differentiable exponential linear unit: y = x if x > 0 else alpha * (exp(x / alpha) - 1).

    Example: dense(32, celu)
    Reference: Barron 2017, arXiv:1704.07483.
    """

    alpha: float = option(Number(0, open_low=True), "the limit below zero", default=1.0, position=0)
    function = "nn.celu"

    def arguments(self) -> dict[str, Code]:
        return {} if self.alpha == 1.0 else {"alpha": self.alpha}


@activation("gelu")
class Gelu(Activation):
    """Gaussian error linear unit: y = x * Phi(x), with Phi the normal distribution; exact unless `approximate`.

    Example: dense(32, gelu)
    Reference: Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """

    approximate: bool = option(Flag(), "use the tanh formula of GPT-2 and BERT's first release", default=False)
    function = "nn.gelu"

    def arguments(self) -> dict[str, Code]:
        return {"approximate": self.approximate}


@activation("silu")
class Silu(Activation):
    """Sigmoid-weighted linear unit, also called swish: y = x * sigmoid(x).

    Example: dense(32, silu)
    Reference: Elfwing, Uchibe and Doya 2017, arXiv:1702.03118.
    """

    elsewhere = ("swish",)

    function = "nn.silu"


@activation("mish")
class Mish(Activation):
    """y = x * tanh(softplus(x)).

    Example: dense(32, mish)
    Reference: Misra 2019, arXiv:1908.08681.
    """

    function = "nn.mish"


@activation("hardswish")
class Hardswish(Activation):
    """Piecewise silu: y = x * min(max(x + 3, 0), 6) / 6.

    Example: dense(32, hardswish)
    Reference: Howard et al. 2019, arXiv:1905.02244.
    """

    function = "nn.hard_swish"


@activation("hardsigmoid")
class Hardsigmoid(Activation):
    """Piecewise sigmoid: y = min(max(x + 3, 0), 6) / 6.

    Example: dense(32, hardsigmoid)
    Reference: Howard et al. 2019, arXiv:1905.02244.
    """

    function = "nn.hard_sigmoid"


@activation("sigmoid")
class Sigmoid(Activation):
    """Logistic function: y = 1 / (1 + exp(-x)). At the end of a net it is a head: one yes/no answer per unit.

    Example: dense(1, sigmoid)
    """

    elsewhere = ("logistic",)

    function = "nn.sigmoid"
    is_head = True


@activation("tanh")
class Tanh(Activation):
    """Hyperbolic tangent.

    Example: dense(32, tanh)
    """

    function = "nn.tanh"


@activation("softplus")
class Softplus(Activation):
    """Smooth rectifier: y = log(1 + exp(x)).

    Example: dense(32, softplus)
    """

    function = "nn.softplus"


@activation("softsign")
class Softsign(Activation):
    """y = x / (1 + |x|).

    Example: dense(32, softsign)
    """

    function = "nn.soft_sign"


@activation("softmax")
class Softmax(Activation):
    """Exponentials over their sum, along the last axis: probabilities. At the end of a net it is a head: one class.

    Example: dense(10, softmax)
    """

    function = "nn.softmax"
    is_head = True


@activation("log_softmax")
class LogSoftmax(Activation):
    """Logarithm of softmax, computed stably: y = x - logsumexp(x) along the last axis.

    Example: dense(10, log_softmax)
    """

    function = "nn.log_softmax"


@activation("step")
class Step(Activation):
    """Threshold: y = 1 if x > 0 else 0. Its gradient is zero, so nothing before it learns.

    Example: dense(1, step)
    Reference: Rosenblatt 1958.
    """

    function = "nn.step"


@record
class ActivationLayer(Layer):
    """An activation that stands as a layer of its own; made by netspec for the bare word."""

    function: Activation

    takes_rngs = False

    @property
    def activation_word(self) -> Activation:
        return self.function

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        return x

    def spelling(self, *, full: bool = False) -> str:
        return self.function.spelling(full=full)

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return self.function.parameters(x)

    def module(self, x: Shape) -> PythonCall | None:
        return self.function.module(x)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        # Other activations are applied by the emitter, as those of every layer.
        return PythonCall(module.text, tensors) if module is not None else tensors[0]
