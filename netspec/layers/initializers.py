"""How weights begin."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.kinds import Number
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option
from netspec.layers.code import Code, call


class Init(Word):
    """Base of every init: a distribution for the numbers of a kernel.

    fan_in is the inputs that one output has, fan_out the outputs that one input has; for a convolution both count the
    whole window.
    """

    category: ClassVar[str] = "init"
    function: ClassVar[str] = ""
    needs_fans: ClassVar[bool] = False
    """Depends on fan_in or fan_out, so that it cannot begin a bias."""

    def code(self) -> Code:
        """The expression that makes the initializer: a function of a key, a shape and a dtype."""
        return call(f"nn.initializers.{self.function}")


init = Declares("init")
"""The decorator that declares an init: `@init("name")`."""


@init("zeros")
class Zeros(Init):
    """All zeros.

    Example: dense(10, init = zeros)
    """

    function = "zeros_init"


@init("ones")
class Ones(Init):
    """All ones.

    Example: dense(10, init = ones)
    """

    function = "ones_init"


@init("constant")
class ConstantInit(Init):
    """One number everywhere.

    Example: dense(10, bias_init = constant(0.1))
    """

    value: float = option(Number(), "the number", position=0)

    def code(self) -> Code:
        return call("nn.initializers.constant", self.value)


@init("uniform")
class Uniform(Init):
    """Evenly between -range and range.

    Example: dense(10, init = uniform(0.3))
    """

    aliases = ("random_uniform",)

    range: float = option(Number(0, open_low=True), "the largest absolute value", default=0.05, position=0)

    def code(self) -> Code:
        return call("nn.uniform_between", -self.range, self.range)


@init("normal")
class Normal(Init):
    """Normal distribution around zero.

    Example: dense(10, init = normal(0.01))
    """

    aliases = ("random_normal", "gaussian")

    std: float = option(Number(0, open_low=True), "the standard deviation", default=0.05, position=0)

    def code(self) -> Code:
        return call("nn.initializers.normal", self.std)


@init("truncated_normal")
class TruncatedNormal(Init):
    """Normal distribution around zero without what lies beyond two standard deviations.

    Example: dense(10, init = truncated_normal(0.02))
    """

    aliases = ("trunc_normal",)

    std: float = option(Number(0, open_low=True), "the standard deviation before cutting", default=0.05, position=0)

    def code(self) -> Code:
        return call("nn.initializers.truncated_normal", self.std)


@init("glorot_uniform")
class GlorotUniform(Init):
    """Uniform with variance 2 / (fan_in + fan_out); Keras' default.

    Example: dense(10, init = glorot_uniform)
    Reference: Glorot and Bengio 2010.
    """

    aliases = ("xavier_uniform",)

    function = "glorot_uniform"
    needs_fans = True


@init("glorot_normal")
class GlorotNormal(Init):
    """Normal distribution cut off at two standard deviations, whose variance is 2 / (fan_in + fan_out).

    Example: dense(10, init = glorot_normal)
    Reference: Glorot and Bengio 2010.
    """

    aliases = ("xavier_normal",)

    function = "glorot_normal"
    needs_fans = True


@init("he_uniform")
class HeUniform(Init):
    """Uniform with variance 2 / fan_in; made for relu.

    Example: dense(10, relu, init = he_uniform)
    Reference: He et al. 2015, arXiv:1502.01852.
    """

    aliases = ("kaiming_uniform",)

    function = "he_uniform"
    needs_fans = True


@init("he_normal")
class HeNormal(Init):
    """Normal distribution cut off at two standard deviations, whose variance is 2 / fan_in; made for relu.

    Example: dense(10, relu, init = he_normal)
    Reference: He et al. 2015, arXiv:1502.01852.
    """

    aliases = ("kaiming_normal",)

    function = "he_normal"
    needs_fans = True


@init("lecun_uniform")
class LecunUniform(Init):
    """Uniform with variance 1 / fan_in.

    Example: dense(10, init = lecun_uniform)
    Reference: LeCun et al. 1998, Efficient BackProp.
    """

    function = "lecun_uniform"
    needs_fans = True


@init("lecun_normal")
class LecunNormal(Init):
    """Normal distribution cut off at two standard deviations, whose variance is 1 / fan_in; the default of kernels.

    Example: dense(10, init = lecun_normal)
    Reference: LeCun et al. 1998, Efficient BackProp.
    """

    function = "lecun_normal"
    needs_fans = True


@init("orthogonal")
class Orthogonal(Init):
    """A random orthogonal matrix, times a gain; in the kernel of a convolution each filter is a column.

    Example: dense(10, init = orthogonal)
    Reference: Saxe, McClelland and Ganguli 2013, arXiv:1312.6120.
    """

    gain: float = option(Number(0, open_low=True), "multiplies the matrix", default=1.0, position=0)

    needs_fans = True

    def code(self) -> Code:
        return call("nn.initializers.orthogonal", self.gain)
