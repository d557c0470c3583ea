"""Activations: words of their own, usable as an option (`dense(10, relu)`) and as a layer (`-> relu`)."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.kinds import Flag, Number
from netspec.language.shape import Shape
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option
from netspec.layers.code import Code, PythonCall, call


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


activation = Declares("activation")
"""The decorator that declares an activation: `@activation("name")`."""


@activation("linear")
class Linear(Activation):
    """Leaves the numbers as they are.

    Formula: y = x
    Example: dense(1, linear)
    """

    aliases = ("none",)

    def code(self, x: Code) -> Code:
        return x


@activation("relu")
class Relu(Activation):
    """Rectified linear unit.

    Formula: y = max(x, 0)
    Example: dense(32, relu)
    Reference: Nair and Hinton 2010.
    """

    function = "nn.relu"


@activation("relu6")
class Relu6(Activation):
    """Rectified linear unit, cut off at 6.

    Formula: y = min(max(x, 0), 6)
    Example: dense(32, relu6)
    Reference: Krizhevsky 2010.
    """

    function = "nn.relu6"


@activation("leaky_relu")
class LeakyRelu(Activation):
    """Rectified linear unit with a small slope below zero.

    Formula: y = x if x > 0 else slope * x
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
    function = "nn.elu"

    def arguments(self) -> dict[str, Code]:
        return {} if self.alpha == 1.0 else {"alpha": self.alpha}


@activation("selu")
class Selu(Activation):
    """Self-normalising unit: an elu whose constants keep mean 0 and variance 1.

    Formula: y = 1.0507 * (x if x > 0 else 1.6733 * (exp(x) - 1))
    Example: dense(32, selu)
    Reference: Klambauer et al. 2017, arXiv:1706.02515.
    """

    function = "nn.selu"


@activation("celu")
class Celu(Activation):
    """Continuously differentiable exponential linear unit.

    Formula: y = x if x > 0 else alpha * (exp(x / alpha) - 1)
    Example: dense(32, celu)
    Reference: Barron 2017, arXiv:1704.07483.
    """

    alpha: float = option(Number(0, open_low=True), "the limit below zero", default=1.0, position=0)
    function = "nn.celu"

    def arguments(self) -> dict[str, Code]:
        return {} if self.alpha == 1.0 else {"alpha": self.alpha}


@activation("gelu")
class Gelu(Activation):
    """Gaussian error linear unit: x times the normal distribution function; exact unless `approximate`.

    Formula: y = x * Phi(x) = x * (1 + erf(x / sqrt(2))) / 2;
        approximate: y = x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3))) / 2
    Example: dense(32, gelu)
    Reference: Hendrycks and Gimpel 2016, arXiv:1606.08415.
    """

    approximate: bool = option(Flag(), "use the tanh formula of GPT-2 and BERT's first release", default=False)
    function = "nn.gelu"

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

    function = "nn.silu"


@activation("mish")
class Mish(Activation):
    """A smooth rectifier that dips below zero, as silu does.

    Formula: y = x * tanh(softplus(x))
    Example: dense(32, mish)
    Reference: Misra 2019, arXiv:1908.08681.
    """

    function = "nn.mish"


@activation("hardswish")
class Hardswish(Activation):
    """Silu without exponentials: x times `hardsigmoid`.

    Formula: y = x * min(max(x + 3, 0), 6) / 6
    Example: dense(32, hardswish)
    Reference: Howard et al. 2019, arXiv:1905.02244.
    """

    function = "nn.hard_swish"


@activation("hardsigmoid")
class Hardsigmoid(Activation):
    """Sigmoid of three straight pieces, without exponentials.

    Formula: y = min(max(x + 3, 0), 6) / 6
    Example: dense(32, hardsigmoid)
    Reference: Howard et al. 2019, arXiv:1905.02244.
    """

    function = "nn.hard_sigmoid"


@activation("sigmoid")
class Sigmoid(Activation):
    """Logistic function. At the end of a net it is a head: one yes/no answer per unit.

    Formula: y = 1 / (1 + exp(-x))
    Example: dense(1, sigmoid)
    Reference: Rumelhart, Hinton and Williams 1986, Learning representations by back-propagating errors.
    """

    aliases = ("logistic",)

    function = "nn.sigmoid"
    is_head = True


@activation("tanh")
class Tanh(Activation):
    """Hyperbolic tangent.

    Formula: y = (exp(x) - exp(-x)) / (exp(x) + exp(-x))
    Example: dense(32, tanh)
    Reference: LeCun et al. 1998, Efficient BackProp, section 4.4.
    """

    function = "nn.tanh"


@activation("softplus")
class Softplus(Activation):
    """Smooth rectifier.

    Formula: y = log(1 + exp(x))
    Example: dense(32, softplus)
    Reference: Dugas et al. 2001, Incorporating second-order functional knowledge for better option pricing.
    """

    function = "nn.softplus"


@activation("softsign")
class Softsign(Activation):
    """From -1 to 1 like tanh, but without exponentials and slower to come to its limits.

    Formula: y = x / (1 + |x|)
    Example: dense(32, softsign)
    Reference: Bergstra et al. 2009, Quadratic polynomials learn better image features; Glorot and Bengio 2010.
    """

    function = "nn.soft_sign"


@activation("softmax")
class Softmax(Activation):
    """Exponentials over their sum, along the last axis: probabilities. At the end of a net it is a head: one class.

    Formula: y[c] = exp(x[c]) / sum over k of exp(x[k])
    Example: dense(10, softmax)
    Reference: Bridle 1990, Probabilistic interpretation of feedforward classification network outputs.
    """

    function = "nn.softmax"
    is_head = True


@activation("log_softmax")
class LogSoftmax(Activation):
    """Logarithm of softmax along the last axis, computed stably.

    Formula: y[c] = x[c] - log(sum over k of exp(x[k]))
    Example: dense(10, log_softmax)
    Reference: Blanchard, Higham and Higham 2019, Accurate computation of the log-sum-exp and softmax functions,
        arXiv:1909.03469.
    """

    function = "nn.log_softmax"


@activation("step")
class Step(Activation):
    """Threshold. Its gradient is zero, so nothing before it learns.

    Formula: y = 1 if x > 0 else 0
    Example: dense(1, step)
    Reference: Rosenblatt 1958.
    """

    function = "nn.step"
