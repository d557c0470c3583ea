"""Layers that only arrange numbers anew."""

from __future__ import annotations

from netspec.kinds import NewShape, Number
from netspec.layers.base import Code, Layer, Names, PythonName, Shapes, call, check_numbers, known, layer
from netspec.layers.errors import Misfit, ReshapeCount
from netspec.shape import Dim, Shape, product
from netspec.vocabulary import option


@layer("flatten")
class Flatten(Layer):
    """Makes one vector of all numbers of an example, row by row, channels last.

    Shape: H x W x C -> H*W*C
    Example: flatten
    """

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        return Shape((x.count,))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("nn.flatten", *tensors)


@layer("reshape")
class Reshape(Layer):
    """Gives the numbers of an example a new shape; their order stays.

    Shape: any -> shape, with as many numbers
    Example: reshape(4x4x4)
    """

    elsewhere = ("view",)

    shape: tuple[int | Dim, ...] = option(NewShape(), "the new sizes, without the batch", position=0)

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        old, new = x, Shape(self.shape)
        old_count = known(self, old.count, old, "the number of values")
        new_count = known(self, product(self.shape), new, "the new sizes")
        if old_count != new_count:
            raise Misfit(
                ReshapeCount, option="shape", old=str(old), new=str(new), new_count=new_count, old_count=old_count
            )
        return new

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("jnp.reshape", *tensors, (-1, *self.shape))


@layer("identity")
class Identity(Layer):
    """Passes its input on.

    Shape: any -> the same
    Example: identity + dense(64)
    """

    elsewhere = ("skip", "shortcut", "pass")

    is_identity = True

    def infer(self, x: Shape) -> Shape:
        return x

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return tensors[0]


@layer("scale")
class Scale(Layer):
    """Multiplies by a constant and adds another: y = factor * x + offset. Nothing in it is trained.

    Shape: any -> the same
    Example: scale(1 / 255)
    """

    elsewhere = ("Rescaling",)

    factor: float = option(Number(), "multiplies the input", position=0)
    offset: float = option(Number(), "is added to the product", default=0.0, position=1)

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        return x

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("nn.scale", *tensors, self.factor, self.offset)
