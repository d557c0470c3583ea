"""Initializers of weights."""

from __future__ import annotations

from typing import ClassVar

from netspec.language.kinds import Number
from netspec.language.vocabulary import Declares
from netspec.language.word import Word, option
from netspec.layers.code import Code, call


class Initializer(Word):
    """Base class of all initializers.

    fan_in is the number of inputs of one output, fan_out the number of outputs of one input; for a convolution both
    count the whole window.
    """

    category: ClassVar[str] = "init"
    function: ClassVar[str] = ""
    needs_fans: ClassVar[bool] = False
    """Depends on fan_in or fan_out, so it cannot initialize a bias."""

    def code(self) -> Code:
        """The expression for the initializer, a function of a key, a shape and a dtype: by default that of the word's
        name in `nn.initializers`, called with all options by position."""
        return call(f"nn.initializers.{self.function or self.word}", *(getattr(self, o.field) for o in self.options()))


init = Declares("init")
"""The decorator that declares an initializer: `@init("name")`."""


@init("zeros")
class Zeros(Initializer):
    """All zeros.

    Example: dense(10, init = zeros)
    """

    function = "zeros_init"


@init("ones")
class Ones(Initializer):
    """All ones.

    Example: dense(10, init = ones)
    """

    function = "ones_init"


@init("constant")
class ConstantInit(Initializer):
    """The same number everywhere.

    Example: dense(10, bias_init = constant(0.1))
    """

    value: float = option(Number(), "the number", position=0)


@init("uniform")
class Uniform(Initializer):
    """Uniform between -range and range.

    Example: dense(10, init = uniform(0.3))
    """

    aliases = ("random_uniform",)

    range: float = option(Number(0, open_low=True), "the largest absolute value", default=0.05, position=0)

    def code(self) -> Code:
        return call("nn.uniform_between", -self.range, self.range)


@init("normal")
class Normal(Initializer):
    """Normal distribution with mean 0.

    Example: dense(10, init = normal(0.01))
    """

    aliases = ("random_normal", "gaussian")

    std: float = option(Number(0, open_low=True), "the standard deviation", default=0.05, position=0)


@init("truncated_normal")
class TruncatedNormal(Initializer):
    """Normal distribution with mean 0, truncated at two standard deviations.

    Example: dense(10, init = truncated_normal(0.02))
    """

    aliases = ("trunc_normal",)

    std: float = option(Number(0, open_low=True), "the standard deviation before truncation", default=0.05, position=0)


@init("glorot_uniform")
class GlorotUniform(Initializer):
    """Uniform with variance 2 / (fan_in + fan_out); the default in Keras.

    Example: dense(10, init = glorot_uniform)
    Reference: Glorot and Bengio 2010.
    """

    aliases = ("xavier_uniform",)

    needs_fans = True


@init("glorot_normal")
class GlorotNormal(Initializer):
    """Truncated normal distribution with variance 2 / (fan_in + fan_out).

    Example: dense(10, init = glorot_normal)
    Reference: Glorot and Bengio 2010.
    """

    aliases = ("xavier_normal",)

    needs_fans = True


@init("he_uniform")
class HeUniform(Initializer):
    """Uniform with variance 2 / fan_in; suited to relu.

    Example: dense(10, relu, init = he_uniform)
    Reference: He et al. 2015, arXiv:1502.01852.
    """

    aliases = ("kaiming_uniform",)

    needs_fans = True


@init("he_normal")
class HeNormal(Initializer):
    """Truncated normal distribution with variance 2 / fan_in; suited to relu.

    Example: dense(10, relu, init = he_normal)
    Reference: He et al. 2015, arXiv:1502.01852.
    """

    aliases = ("kaiming_normal",)

    needs_fans = True


@init("lecun_uniform")
class LecunUniform(Initializer):
    """Uniform with variance 1 / fan_in.

    Example: dense(10, init = lecun_uniform)
    Reference: LeCun et al. 1998, Efficient BackProp.
    """

    needs_fans = True


@init("lecun_normal")
class LecunNormal(Initializer):
    """Truncated normal distribution with variance 1 / fan_in; the default for kernels.

    Example: dense(10, init = lecun_normal)
    Reference: LeCun et al. 1998, Efficient BackProp.
    """

    needs_fans = True


@init("orthogonal")
class Orthogonal(Initializer):
    """A random orthogonal matrix times a gain; in the kernel of a convolution each filter is a column.

    Example: dense(10, init = orthogonal)
    Reference: Saxe, McClelland and Ganguli 2013, arXiv:1312.6120.
    """

    gain: float = option(Number(0, open_low=True), "multiplies the matrix", default=1.0, position=0)

    needs_fans = True
