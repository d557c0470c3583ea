"""Fully connected layers, activations, and what acts on each number."""

from __future__ import annotations

from typing import Any

from netspec.interchange.reading.channels_first.layout import CannotSay, Layout, operator
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.activations import Activation, LogSoftmax, Prelu, Relu, Softmax
from netspec.layers.dense import Dense, Embedding
from netspec.layers.merge import Add
from netspec.layers.norm import BatchNorm
from netspec.layers.regularization import Dropout
from netspec.layers.reshape import Scale
from netspec.layers.sequence.positions import BASE, PositionEmbedding, Sinusoidal
from netspec.layers.spatial.conv import Conv, Depthwise

SMALLEST = 1e-12
"""Where nothing is added to a variance."""


class Basic(Layout):
    """Operators on the features of each position, and on each number."""

    @operator
    def dense(self, x: Value, *, weight: Any = None, units: int = 0, bias: Any = None, has_bias: bool = False) -> Value:
        """A linear map of the last axis.

        Args:
            x: N x … x inputs.
            weight: inputs x units; None for a format without weights, which gives `units` and `has_bias`.
            units: the number of output features.
            bias: one number per unit.
            has_bias: whether there is a bias that is not known.
        """
        axis = x.rank - 1
        if axis < 1 or x.axes[axis] == 0:
            raise CannotSay("its input has no features")
        weights = {} if weight is None else {"kernel": weight if x.order is None else _sorted(weight, x.order)}
        weights |= {} if bias is None else {"bias": bias}
        options: dict[str, Any] = {"bias": has_bias or bias is not None}
        units = units if weight is None else weight.shape[-1]
        if not x.blocks:
            x = self.last(x, axis)
        y = Value(x.step, x.axes)
        if x.step.shape.rank < 3:
            return self.after(y, Dense(units=units, **options), weights)
        if weight is not None:
            weights["kernel"] = weight.reshape((1,) * (x.step.shape.rank - 1) + weight.shape)
        return self.after(y, Conv(filters=units, kernel=(1,) * (x.step.shape.rank - 1), **options), weights)

    def last(self, x: Value, axis: int) -> Value:
        """The tensor with an axis as the last one of the step, the others as they are."""
        layout = [a for a in x.layout if a is not None and a != axis]
        return self.arrange(x, (*layout, axis))

    @operator
    def embedding(self, ids: Value, *, table: Any = None, features: int = 0) -> Value:
        """A vector for every token id: N x T becomes N x T x features. `table` is ids x features."""
        layer = Embedding(features=features if table is None else table.shape[1])
        y = self.step(layer, ids.step, weights={} if table is None else {"embedding": table})
        return Value(y, (*ids.axes, y.shape.rank))

    @operator
    def activation(self, x: Value, word: Activation, slope: Any = None, axis: int = 1) -> Value:
        """An activation of each number; `prelu` with its slopes, one or one for each size of an axis."""
        if isinstance(word, Prelu) and slope is not None:
            return self._prelu(x, np.asarray(slope, np.float32).reshape(-1), axis)
        return self.after(x, ActivationLayer(activation=word))

    def _prelu(self, x: Value, slopes: Any, axis: int) -> Value:
        """With a slope for each channel it is relu(x) - slope * relu(-x)."""
        if slopes.size and np.all(slopes == slopes[0]):
            return self.after(x, ActivationLayer(activation=Prelu()), {"negative_slope": slopes[0].reshape(())})
        x = self.opened(x)
        above = self.after(x, ActivationLayer(activation=Relu()))
        below = self.after(self.after(x, Scale(factor=-1.0)), ActivationLayer(activation=Relu()))
        sloped = self._per_channel(below, axis, -slopes, None)
        above = self.arrange(above, [axis for axis in sloped.layout if axis is not None])
        return Value(self.step(Add(), above.step, sloped.step), sloped.axes)

    @operator
    def softmax(self, x: Value, axis: int = -1, *, log: bool = False) -> Value:
        """Probabilities along an axis, or their logarithms."""
        axis %= x.rank
        if x.axes[axis] == 0:
            raise CannotSay("its probabilities are along the batch")
        if not x.blocks:
            x = self.last(x, axis)
        return self.after(x, ActivationLayer(activation=LogSoftmax() if log else Softmax()))

    @operator
    def dropout(self, x: Value, rate: float, per: str = "number") -> Value:
        """Dropout of numbers, or of channels (`per` = `channel`)."""
        return self.after(x, Dropout(rate=rate, per=per)) if rate else x

    @operator
    def scale(self, x: Value, factor: Any = 1.0, offset: Any = 0.0) -> Value:
        """A product with constants, to which others are added: numbers, or arrays that are broadcast.

        One constant for all is `scale`; one for each channel a depthwise convolution of one point; a sum with one
        for each step and channel `posembed`.
        """
        factors, offsets = (np.asarray(constant, np.float32) for constant in (factor, offset))
        factors, offsets = _simple(factors), _simple(offsets)
        if factors.ndim == 0 and offsets.ndim == 0:
            if factors == 1 and offsets == 0:
                return x
            return self.after(x, Scale(factor=_short(factors), offset=_short(offsets)))
        x = self.opened(x)
        axes = _axes(factors, x.rank) | _axes(offsets, x.rank)
        if x.axes.index(0) in axes:
            raise CannotSay("its constants differ from example to example")
        if x.rank == 3 and factors.ndim == 0 and factors == 1 and self._is_waves(x, offsets):
            return self.after(self.arrange(x, (1, 2)), Sinusoidal())
        if any(x.size(axis) != size for axis, size in axes.items()):
            raise CannotSay("its constants have more numbers than its input")
        if len(axes) == 1:
            (axis,) = axes
            size = axes[axis]
            both = [
                None if c.ndim == 0 and c == n else np.broadcast_to(c, _along(axis, size, x.rank)).reshape(size)
                for c, n in ((factors, 1), (offsets, 0))
            ]
            return self._per_channel(x, axis, *both)
        if factors.ndim == 0 and factors == 1:
            return self._positions(x, tuple(axes), offsets)
        raise CannotSay("netspec has no layer for a constant factor for each position")

    def _is_waves(self, x: Value, table: Any) -> bool:
        """Whether constants are the sines and cosines of positions, of which there may be any number."""
        if x.axes[0] != 0 or isinstance(x.size(1), int) or table.ndim < 2:
            return False
        shape = table.shape[-2:]
        return table.size == shape[0] * shape[1] and np.allclose(table.reshape(shape), _waves(*shape), atol=1e-5)

    def _per_channel(self, x: Value, axis: int, factor: Any, offset: Any) -> Value:
        """A constant for each size of one axis."""
        x = self.last(x, axis)
        if x.step.is_input and (factor is None or np.all(factor > 0)):
            return self._normalized_input(x, factor, offset)
        rank = x.step.shape.rank
        wide = x
        if rank == 1:
            wide = Value(self.reshaped(x.step, (1, x.step.shape.channels)), x.axes)
        size = (factor if factor is not None else offset).size
        kernel = np.ones(size, np.float32) if factor is None else factor
        weights = {"kernel": kernel.reshape((1,) * (max(rank, 2) - 1) + (1, size))}
        if offset is not None:
            weights["bias"] = offset
        y = self.after(wide, Depthwise(kernel=(1,) * (rank - 1) if rank > 2 else 1, bias=offset is not None), weights)
        return y if rank > 1 else Value(self.reshaped(y.step, (size,)), x.axes)

    def _normalized_input(self, x: Value, factor: Any, offset: Any) -> Value:
        """Statistics that are subtracted from an input and divide it: those of a batch norm."""
        size = (factor if factor is not None else offset).size
        scale = np.ones(size) if factor is None else factor.astype(np.float64)
        mean = np.zeros(size) if offset is None else -offset / scale
        weights = {"mean": mean.astype(np.float32), "var": (scale**-2).astype(np.float32)}
        return self.after(x, BatchNorm(scale=False, offset=False, epsilon=SMALLEST), weights)

    def _positions(self, x: Value, axes: tuple[int, ...], table: Any) -> Value:
        """A constant for each position and channel."""
        order = [axis for axis in x.layout if axis is not None]
        if any(x.is_large(axis) and axis not in axes for axis in order):
            raise CannotSay("netspec has no layer for a constant that is added along two of its axes")
        full = table.reshape((1,) * (x.rank - table.ndim) + table.shape)
        own = full.transpose([x.axes.index(0), *order, *(a for a in range(1, x.rank) if a not in order)])
        y = self.arrange(x, order)
        own = own.reshape(y.step.shape.sizes)
        if own.ndim == 2 and np.allclose(own, _waves(*own.shape), atol=1e-5):
            return self.after(y, Sinusoidal())
        return self.after(y, PositionEmbedding(), {"embedding": own})


def _waves(steps: int, features: int) -> Any:
    """The table of `sinusoidal`."""
    angles = np.arange(steps)[:, None] / BASE ** (2 * (np.arange(features) // 2) / features)
    return np.where(np.arange(features) % 2, np.cos(angles), np.sin(angles))


def _sorted(weight: Any, order: Any) -> Any:
    """The rows of a kernel in netspec's order of the features."""
    if len(weight) != len(order):
        raise CannotSay(f"its kernel is for {len(weight)} features, and it gets {len(order)}")
    rows = np.empty_like(weight)
    rows[order] = weight
    return rows


def sorted_per_feature(x: Value, array: Any) -> Any:
    """One number for each feature, in netspec's order of the features."""
    return array if array is None or x.order is None else _sorted(array, x.order)


def _short(number: Any) -> float:
    """A number of float32 with as few digits as it needs."""
    return float(str(np.float32(number)))


def _simple(constant: Any) -> Any:
    """One number where all are equal."""
    if constant.size and np.all(constant == constant.reshape(-1)[0]):
        return constant.reshape(-1)[0].reshape(())
    return constant


def _axes(constant: Any, rank: int) -> dict[int, int]:
    """The axes of a tensor of a rank along which a constant differs, and its sizes."""
    if constant.ndim > rank:
        raise CannotSay("its constants have more axes than its input")
    return {rank - constant.ndim + axis: size for axis, size in enumerate(constant.shape) if size != 1}


def _along(axis: int, size: int, rank: int) -> tuple[int, ...]:
    return tuple(size if a == axis else 1 for a in range(rank))
