"""Normalization."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.interchange.reading.channels_first.basic import Basic, sorted_per_feature
from netspec.interchange.reading.channels_first.layout import CannotSay, operator
from netspec.interchange.reading.channels_first.values import Value
from netspec.language.lazy import np
from netspec.layers.base import Layer
from netspec.layers.norm import BatchNorm, GroupNorm, InstanceNorm, L2Norm, LayerNorm, LocalResponseNorm, RMSNorm


class Norms(Basic):
    """Normalization; axis 1 has the channels."""

    @operator
    def batchnorm(
        self,
        x: Value,
        *,
        scale: Any = None,
        offset: Any = None,
        mean: Any = None,
        variance: Any = None,
        epsilon: float = 1e-5,
        momentum: float = 0.9,
        has_scale: bool = True,
        has_offset: bool = True,
    ) -> Value:
        """Batch normalization with running statistics.

        Args:
            x: N x C x positions.
            scale: one number per channel; None for a format without weights, or where `has_scale` is false.
            offset: as `scale`.
            mean: the running mean of each channel.
            variance: the running variance of each channel.
            epsilon: added to the variance.
            momentum: the weight of the old statistics in a step of the training.
            has_scale: whether there is a scale.
            has_offset: whether there is an offset.
        """
        layer = BatchNorm(epsilon=epsilon, momentum=momentum, scale=has_scale, offset=has_offset)
        weights = {"scale": scale, "bias": offset, "mean": mean, "var": variance}
        return self._normalized(x, layer, weights)

    def _normalized(self, x: Value, layer: Layer, weights: dict[str, Any]) -> Value:
        """A norm with weights for each channel, axis 1."""
        given = {name: sorted_per_feature(x, array) for name, array in weights.items() if array is not None}
        if not x.blocks:
            x = self.channels_last(x)
        return self.after(x, layer, given)

    @operator
    def layernorm(
        self,
        x: Value,
        *,
        scale: Any = None,
        offset: Any = None,
        epsilon: float = 1e-5,
        axes: Sequence[int] = (-1,),
        has_scale: bool = True,
        has_offset: bool = True,
    ) -> Value:
        """Layer normalization over the last axis, over another one, or over all but the batch.

        `scale` and `offset` have the sizes of the axes; None as in `batchnorm`.
        """
        layer = LayerNorm(epsilon=epsilon, scale=has_scale, offset=has_offset)
        return self._over(x, layer, {"scale": scale, "bias": offset}, axes)

    @operator
    def rmsnorm(
        self,
        x: Value,
        *,
        scale: Any = None,
        epsilon: float = 1e-5,
        axes: Sequence[int] = (-1,),
        has_scale: bool = True,
    ) -> Value:
        """Division by the root mean square, as `layernorm`."""
        return self._over(x, RMSNorm(epsilon=epsilon, scale=has_scale), {"scale": scale}, axes)

    @operator
    def l2norm(self, x: Value, *, epsilon: float = 1e-12, axes: Sequence[int] = (-1,)) -> Value:
        """Division by the Euclidean norm along an axis."""
        return self._over(x, L2Norm(epsilon=epsilon), {}, axes)

    def _over(self, x: Value, layer: Layer, weights: dict[str, Any], axes: Sequence[int]) -> Value:
        given = {name: np.asarray(array) for name, array in weights.items() if array is not None}
        chosen = sorted(axis % x.rank for axis in axes)
        if any(x.axes[axis] == 0 for axis in chosen):
            raise CannotSay("it normalizes over the batch, and mixes examples")
        large = [axis for axis in chosen if x.is_large(axis)] or chosen[-1:]
        if len(large) == 1:
            given = {name: sorted_per_feature(x, array.reshape(-1)) for name, array in given.items()}
            return self.after(x if x.blocks else self.last(x, large[0]), layer, given)
        if any(x.is_large(axis) for axis in x.inner if axis not in chosen):
            raise CannotSay("it normalizes over several axes, but not over all")
        x = self.opened(x)
        order = [axis for axis in x.layout if axis is not None]
        turn = [a for a in order if a in chosen] + [a for a in chosen if a not in order]
        for name, array in given.items():
            given[name] = array.transpose([chosen.index(axis) for axis in turn]).reshape(-1)
        flat = self.reshaped(x.step, (x.step.shape.count,))
        y = self.step(layer, flat, weights=given)
        return Value(self.reshaped(y, x.step.shape.sizes), x.axes)

    @operator
    def groupnorm(
        self,
        x: Value,
        *,
        groups: int,
        scale: Any = None,
        offset: Any = None,
        epsilon: float = 1e-5,
        has_scale: bool = True,
        has_offset: bool = True,
    ) -> Value:
        """Group normalization; weights as in `batchnorm`."""
        layer = GroupNorm(groups=groups, epsilon=epsilon, scale=has_scale, offset=has_offset)
        return self._normalized(self.opened(x), layer, {"scale": scale, "bias": offset})

    @operator
    def instancenorm(
        self,
        x: Value,
        *,
        scale: Any = None,
        offset: Any = None,
        epsilon: float = 1e-5,
        has_scale: bool = True,
        has_offset: bool = True,
    ) -> Value:
        """Instance normalization; weights as in `batchnorm`."""
        layer = InstanceNorm(epsilon=epsilon, scale=has_scale, offset=has_offset)
        return self._normalized(x, layer, {"scale": scale, "bias": offset})

    @operator
    def lrn(self, x: Value, *, size: int, alpha: float = 1e-4, beta: float = 0.75, bias: float = 1.0) -> Value:
        """Local response normalization over channels, where `alpha` is divided by `size`."""
        layer = LocalResponseNorm(size=size, alpha=alpha, beta=beta, k=bias, divide=True)
        paper = LocalResponseNorm(size=size)
        if size and (round(alpha / size, 12), beta, bias) == (paper.alpha, paper.beta, paper.k):
            layer = paper
        return self.after(self.channels_last(x), layer)
