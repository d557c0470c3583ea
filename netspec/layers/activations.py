"""Activations: usable as an option (`dense(10, relu)`) and as a layer (`-> relu`)."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.kinds import Flag, Number
from netspec.language.shape import Shape
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option
from netspec.layers.code import Code, PythonCall, call, changed_options


class Activation(Word):
    """Base class of all activations: a function of each number, or of the last axis (softmax)."""

    category: ClassVar[str] = "activation"

    function: ClassVar[str] = ""
    """Its name in emitted code; `nn.` and the word if left empty."""
    has_weights: ClassVar[bool] = False
    """Needs a module for its weights (`prelu`): override `module` and `parameters`."""
    is_head: ClassVar[bool] = False
    """Turns logits into probabilities: at the end of a network it is split off, so that the loss is stable."""

    @property
    def python_function(self) -> str:
        """The function that computes it."""
        return self.function or f"nn.{self.word}"

    def code(self, x: Code) -> Code:
        """The expression that applies it to `x`."""
        return call(self.python_function, x, **self.arguments())

    def arguments(self) -> dict[str, Code]:
        """Keyword arguments for the function: by default the options that differ from their defaults."""
        return changed_options(self)

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        """For activations with weights: their shapes by their names in the module."""
        return {}

    def module(self, x: Shape) -> PythonCall | None:
        """For activations with weights: the constructor of the module that holds them; it gets no random keys."""
        return None


activation = Declares("activation")
"""The decorator that declares an activation: `@activation("name")`."""


@activation("linear")
class Linear(Activation):
    """The identity: returns its input.

    Formula: y = x
    Example: dense(1, linear)
    """

    aliases = ("none",)

    function = "nn.identity"

    def code(self, x: Code) -> Code:
        return x


@activation("relu")
class Relu(Activation):
    """Rectified linear unit.

    Formula: y = max(x, 0)
    Example: dense(32, relu)
    Reference: Nair and Hinton 2010.
    """


@activation("relu6")
class Relu6(Activation):
    """Rectified linear unit, capped at 6.

    Formula: y = min(max(x, 0), 6)
    Example: dense(32, relu6)
    Reference: Krizhevsky 2010.
    """


@activation("leaky_relu")
class LeakyRelu(Activation):
    """Rectified linear unit with a small slope below zero.

    Formula: y = x if x > 0 else slope * x
    Example: dense(32, leaky_relu(0.1))
    Reference: Maas, Hannun and Ng 2013.
    """

    slope: float = option(
        Number(0), "the slope below zero", default=0.01, position=0, aliases=("alpha", "negative_slope")
    )

    def arguments(self) -> dict[str, Code]:
        return {"negative_slope": self.slope}


@activation("prelu")
class Prelu(Activation):
    """Rectified linear unit with a learned slope below zero: one per layer, initialized to 0.01.

    Formula: y = x if x > 0 else a * x, with a trained
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
    """Exponential linear unit.

    Formula: y = x if x > 0 else alpha * (exp(x) - 1)
    Example: dense(32, elu)
    Reference: Clevert, Unterthiner and Hochreiter 2015, arXiv:1511.07289.
    """

    alpha: float = option(Number(0, open_low=True), "the limit below zero", default=1.0, position=0)


@activation("selu")
class Selu(Activation):
    """Self-normalizing exponential linear unit: its constants keep mean 0 and variance 1.

    Formula: y = 1.0507 * (x if x > 0 else 1.6733 * (exp(x) - 1))
    Example: dense(32, selu)
    Reference: Klambauer et al. 2017, arXiv:1706.02515.
    """


@activation("celu")
class Celu(Activation):
    """Continuously differentiable exponential linear unit.

    Formula: y = x if x > 0 else alpha * (exp(x / alpha) - 1)
    Example: dense(32, celu)
    Reference: Barron 2017, arXiv:1704.07483.
    """

    alpha: float = option(Number(0, open_low=True), "the limit below zero", default=1.0, position=0)


@activation("gelu")
class Gelu(Activation):
    """Gaussian error linear unit: x times the cumulative distribution function of the normal distribution.

    Formula: y = x * Phi(x) = x * (1 + erf(x / sqrt(2))) / 2;
        approximate: y = x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2
    Example: dense(32, gelu)
    Reference: Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """

    approximate: bool = option(Flag(), "use the tanh approximation of GPT-2 and early BERT", default=False)

    def arguments(self) -> dict[str, Code]:
        return {"approximate": self.approximate}


@activation("silu")
class Silu(Activation):
    """Sigmoid-weighted linear unit, also called swish.

    Formula: y = x * sigmoid(x)
    Example: dense(32, silu)
    Reference: Elfwing, Uchibe and Doya 2017, arXiv:1702.03118.
    """

    aliases = ("swish",)


@activation("mish")
class Mish(Activation):
    """Smooth rectifier that dips below zero, like silu.

    Formula: y = x * tanh(softplus(x))
    Example: dense(32, mish)
    Reference: Misra 2019, arXiv:1908.08681.
    """


@activation("hardswish")
class Hardswish(Activation):
    """Piecewise approximation of silu, without exponentials: x times `hardsigmoid`.

    Formula: y = x * min(max(x + 3, 0), 6) / 6
    Example: dense(32, hardswish)
    Reference: Howard et al. 2019, arXiv:1905.02244.
    """

    function = "nn.hard_swish"


@activation("hardsigmoid")
class Hardsigmoid(Activation):
    """Piecewise linear approximation of sigmoid, without exponentials.

    Formula: y = min(max(x + 3, 0), 6) / 6
    Example: dense(32, hardsigmoid)
    Reference: Howard et al. 2019, arXiv:1905.02244.
    """

    function = "nn.hard_sigmoid"


@activation("sigmoid")
class Sigmoid(Activation):
    """Logistic function. At the end of a network it is the head for binary targets: one probability per unit.

    Formula: y = 1 / (1 + exp(-x))
    Example: dense(1, sigmoid)
    Reference: Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors.
    """

    aliases = ("logistic",)

    is_head = True


@activation("tanh")
class Tanh(Activation):
    """Hyperbolic tangent.

    Formula: y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))
    Example: dense(32, tanh)
    Reference: LeCun et al. 1998, Efficient BackProp, section 4.4.
    """


@activation("softplus")
class Softplus(Activation):
    """Smooth approximation of relu.

    Formula: y = log(1 + exp(x))
    Example: dense(32, softplus)
    Reference: Dugas et al. 2001, Incorporating second-order functional knowledge for better option pricing.
    """


@activation("softsign")
class Softsign(Activation):
    """Maps to (-1, 1) like tanh, but without exponentials, and approaches its limits more slowly.

    Formula: y = x / (1 + |x|)
    Example: dense(32, softsign)
    Reference: Bergstra et al. 2009, Quadratic polynomials learn better image features; Glorot and Bengio 2010.
    """

    function = "nn.soft_sign"


@activation("softmax")
class Softmax(Activation):
    """Probabilities along the last axis. At the end of a network it is the head for classification.

    Formula: y[c] = exp(x[c]) / sum over k of exp(x[k])
    Example: dense(10, softmax)
    Reference: Bridle 1990, Probabilistic interpretation of feedforward classification network outputs.
    """

    is_head = True


@activation("log_softmax")
class LogSoftmax(Activation):
    """Logarithm of softmax along the last axis, in a numerically stable form.

    Formula: y[c] = x[c] - log(sum over k of exp(x[k]))
    Example: dense(10, log_softmax)
    Reference: Blanchard, Higham and Higham 2019, Accurate computation of the log-sum-exp and softmax functions,
        arXiv:1909.03469.
    """


@activation("step")
class Step(Activation):
    """Heaviside step function. Its gradient is zero, so the layers before it do not learn.

    Formula: y = 1 if x > 0 else 0
    Example: dense(1, step)
    Reference: Rosenblatt 1958.
    """
