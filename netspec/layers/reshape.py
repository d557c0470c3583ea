"""Layers that rearrange or rescale numbers, without weights."""

from __future__ import annotations

from netspec.language.diagnostics import Unplaced
from netspec.language.kinds import Count, NewShape, Number
from netspec.language.shape import Dim, Shape, product
from netspec.language.word import Kind, Mismatch, option
from netspec.layers.base import Elementwise, Layer, check_numbers, known, layer
from netspec.layers.code import Code, Names, PythonName, Shapes, call
from netspec.layers.errors.shapes import ReshapeCount
from netspec.layers.errors.windows import AxesOrder


@layer("flatten")
class Flatten(Layer):
    """Flattens each example to a vector, in row-major order, channels last.

    Shape: H x W x C -> H*W*C
    Formula: y[(h * W + w) * C + c] = x[h, w, c]
    Example: flatten
    """

    function = "nn.flatten"

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        return Shape((x.count,))


@layer("reshape")
class Reshape(Layer):
    """Reshapes each example; the order of its numbers is kept.

    One size may be open, as in `reshape((W//2, 192))` for an input of `(48, W, 1)`.

    Shape: any -> shape, with as many numbers
    Formula: flatten(y) = flatten(x)
    Example: reshape(4x4x4)
    """

    aliases = ("view",)

    shape: tuple[int | Dim, ...] = option(NewShape(), "the new sizes, without the batch", position=0)

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        old, new = x, Shape(self.shape)
        old_count, new_count = old.count, product(self.shape)
        if isinstance(new_count, int) or sum(isinstance(size, Dim) for size in self.shape) > 1:
            known(self, old_count, old, "a fixed number of values")
            known(self, new_count, new, "at most one open size")
        if old_count != new_count:
            raise Unplaced(
                ReshapeCount, option="shape", old=str(old), new=str(new), new_count=new_count, old_count=old_count
            )
        return new

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        if all(isinstance(size, int) for size in self.shape):
            return call("jnp.reshape", *tensors, (-1, *self.shape))
        batch = PythonName(f"{tensors[0].text}.shape[0]")
        return call("jnp.reshape", *tensors, (batch, *self.sizes))

    @property
    def sizes(self) -> tuple[int, ...]:
        """The new sizes, with -1 for the open one."""
        return tuple(size if isinstance(size, int) else -1 for size in self.shape)


class Order(Kind):
    """A permutation of the numbers from 1 to n."""

    def accept(self, value: object) -> list[int]:
        if not isinstance(value, list) or not value:
            raise Mismatch(self.describe(), value)
        numbers = [Count().accept(number) for number in value]
        if sorted(numbers) != list(range(1, len(numbers) + 1)):
            wrong = Mismatch(self.describe(), value)
            wrong.given = f"the list {numbers}"
            raise wrong
        return numbers

    def describe(self) -> str:
        return "a list that names each axis from 1 on once, such as [2, 1, 3]"


@layer("permute")
class Permute(Layer):
    """Permutes the axes of each example.

    Axis i of the output is axis `order[i]` of the input; axis 1 is the first after the batch axis. `permute([2, 1])`
    swaps the steps and the channels of a sequence, `permute([2, 3, 1])` converts channels-first images to
    channels-last.

    Shape: A x B x C -> the same sizes in the order of the list
    Formula: y[w, h, c] = x[h, w, c] for [2, 1, 3]; y[w, c, h] = x[h, w, c] for [2, 3, 1]
    Example: permute([2, 1, 3])
    """

    aliases = ("transpose", "swapaxes")

    order: list[int] = option(
        Order(), "the axes in their new order, counted from 1", position=0, aliases=("dims", "axes", "perm")
    )

    moves_steps = True

    def infer(self, x: Shape) -> Shape:
        check_numbers(self, x)
        if len(self.order) != x.rank:
            example = [2, 1, 3, 4, 5, 6][: x.rank] if 1 < x.rank <= 6 else list(range(1, x.rank + 1))
            count = "one axis" if len(self.order) == 1 else f"{len(self.order)} axes"
            order, shape = str(self.order), str(x)
            raise Unplaced(
                AxesOrder,
                option="order",
                order=order,
                count=count,
                kind=x.kind,
                axes=x.rank,
                shape=shape,
                example=example,
            )
        return Shape(tuple(x.sizes[axis - 1] for axis in self.order))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("jnp.transpose", *tensors, (0, *self.order))


@layer("identity")
class Identity(Layer):
    """Returns its input.

    Shape: any -> the same
    Formula: y = x
    Example: identity + dense(64)
    """

    aliases = ("skip", "shortcut", "pass")

    is_identity = True

    def infer(self, x: Shape) -> Shape:
        return x

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return tensors[0]


@layer("scale")
class Scale(Elementwise):
    """Multiplies by a constant and adds another; it has no weights.

    Shape: any -> the same
    Formula: y = factor * x + offset
    Example: scale(1 / 255)
    Reference: LeCun et al. 1998, Efficient BackProp, section 4.3, for inputs.
    """

    aliases = ("Rescaling",)

    factor: float = option(Number(), "the factor", position=0)
    offset: float = option(Number(), "added to the product", default=0.0, position=1)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call("nn.scale", *tensors, self.factor, self.offset)
