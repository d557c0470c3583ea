"""Losses whose predictions describe the distribution of a target: quantiles, a normal distribution, counts.

Several units of the last layer belong to one target (`parts`), those of a target beside each other. Arrays of NumPy are
computed with NumPy, others with JAX.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, ClassVar

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.data.transforms.normalization import Normalization
from netspec.language.kinds import Flag, Number
from netspec.language.lazy import lazy, np
from netspec.language.values import to_source
from netspec.language.word import Kind, Mismatch, option
from netspec.training.feed.targets import are_ids, as_numbers
from netspec.training.losses.base import Loss, LossWord, WrongTargets, loss, loss_for

if TYPE_CHECKING:
    import numpy

jax = lazy("jax")
jnp = lazy("jax.numpy")

DEFAULT_LEVEL = 0.9
"""The level of the intervals that metrics are computed for, where a spec names none and the loss implies none."""
MIN_SCALE = 1e-6
"""A predicted standard deviation is at least this, in those of the targets where these are normalized."""
EPSILON = 1e-8
"""Added inside logarithms."""
SAME_LEVEL = 1e-6
"""How far two levels that are the same may be apart."""
TRIED, MAX_SMALL = 8, 60
"""How far from an approximation the quantiles of a Poisson distribution are at most, and the largest of small rates."""


class Distribution(Loss):
    """Base of the losses that predict a distribution."""

    heads = ("linear",)
    takes_soft_targets = False
    has_likelihood: ClassVar[bool] = False
    lowest: ClassVar[float | None] = None
    """The lowest target that there can be."""

    def parameters(self, logits: Any) -> Any:
        """From the units of the last layer to the parameters of each target: … x targets x parts."""
        return logits.reshape(*logits.shape[:-1], -1, self.parts)

    @abstractmethod
    def in_units(self, parameters: Any, mean: Any, std: Any) -> Any:
        """The parameters of the distribution of target * std + mean; `mean` and `std` have a number for each target."""

    @abstractmethod
    def point(self, parameters: Any) -> Any:
        """The prediction as a single number for each target: … x targets."""

    @abstractmethod
    def interval(self, parameters: Any, level: float) -> tuple[Any, Any]:
        """The central interval that a target is in with probability `level`, each end … x targets."""

    @property
    def usual_level(self) -> float | None:
        """The level of the interval that follows from the loss alone; None where there is none."""
        return DEFAULT_LEVEL

    def log_density(self, parameters: Any, targets: Any) -> Any:
        """The logarithm of the density or probability of targets (… x targets), where the loss has a likelihood."""
        raise NotImplementedError

    def restored(self, outputs: Any, scale: Normalization | None) -> Any:
        """What the network gives, in the units of the targets and in the same shape: parameters instead of logits."""
        parameters = self.parameters(outputs)
        if scale is not None:
            kind = np.float64 if scale.double or outputs.dtype == np.float64 else np.float32
            parameters = self.in_units(parameters, np.array(scale.mean, kind), np.array(scale.std, kind))
        return parameters.reshape(outputs.shape)

    def logits(self, restored: Any, scale: Normalization | None) -> Any:
        """The outputs of which `restored` are the parameters in the units of the targets."""
        parameters = restored.reshape(*restored.shape[:-1], -1, self.parts)
        if scale is not None:
            mean, std = np.array(scale.mean), np.array(scale.std)
            parameters = self.in_units(parameters, -mean / std, 1 / std)
        return parameters.reshape(restored.shape)

    def output_scale(self, scale: Normalization) -> Normalization | None:
        """The scale of each unit of the last layer, where the restored outputs are no more than that."""
        return None


class Levels(Kind):
    """Several probabilities."""

    takes_all = True
    phrase = "probabilities between 0 and 1, each once, such as 0.1, 0.5, 0.9"

    def accept(self, value: object) -> tuple[float, ...]:
        given = value if isinstance(value, list) else [value]
        inside = Number(0, 1, open_low=True, open_high=True)
        try:
            levels = tuple(sorted(inside.accept(level) for level in given))
        except Mismatch as wrong:
            wrong.expected = self.describe()
            raise
        twice = next((level for level in levels if levels.count(level) > 1), None)
        if not levels or twice is not None:
            mismatch = Mismatch(self.describe(), value)
            mismatch.given = f"{to_source(twice)} twice" if levels else "an empty list"
            raise mismatch
        return levels

    def to_source(self, value: object) -> str:
        return ", ".join(map(to_source, value)) if isinstance(value, tuple) else to_source(value)


@loss("quantile")
class Quantile(Distribution):
    """The pinball loss: the network predicts quantiles, numbers that a target is below with these probabilities.

    The last layer has a unit for each quantile of each target, in ascending order: `dense(3)` for three quantiles of
    one target. Predictions are sorted, so that quantiles never cross. As a single number the median is predicted, or
    what is nearest to it. The lowest and the highest quantile are an interval: those of 0.05 and 0.95 contain 90% of
    the targets.

    Formula: mean over q of max(q * (target - p), (q - 1) * (target - p)), p the prediction of the quantile q
    Example: train { loss = quantile(0.05, 0.5, 0.95) }
    Reference: Koenker and Bassett 1978, Regression quantiles; sorting: Chernozhukov et al. 2010, Quantile and
        probability curves without crossing.
    """

    aliases = ("QuantileLoss", "pinball", "pinball_loss", "PinballLoss", "quantile_loss", "MQLoss")
    output_kind = "distribution"
    takes_normalized_targets = True

    levels: tuple[float, ...] = option(
        Levels(), "the probabilities of the quantiles", position=0, aliases=("quantiles", "alpha", "q", "tau")
    )

    @property
    def parts(self) -> int:
        return len(self.levels)

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        return self.pinball(self.parameters(logits.astype(jnp.float32)), as_numbers(targets, head.units))

    def pinball(self, parameters: Any, targets: Any) -> Any:
        """The mean pinball loss of the quantiles of each target: … x targets."""
        error, levels = targets[..., None] - parameters, np.array(self.levels, np.float32)
        return jnp.maximum(levels * error, (levels - 1) * error).mean(axis=-1)

    def in_units(self, parameters: Any, mean: Any, std: Any) -> Any:
        return parameters * std[:, None] + mean[:, None]

    def point(self, parameters: Any) -> Any:
        distances = [abs(level - 0.5) for level in self.levels]
        nearest = [i for i, distance in enumerate(distances) if distance <= min(distances) + SAME_LEVEL]
        return ordered(parameters)[..., nearest[0] : nearest[-1] + 1].mean(axis=-1)

    def interval(self, parameters: Any, level: float) -> tuple[Any, Any]:
        low, high = self._ends(level) or (0, -1)
        found = ordered(parameters)
        return found[..., low], found[..., high]

    @property
    def usual_level(self) -> float | None:
        return round(self.levels[-1] - self.levels[0], 12) if self.parts > 1 else None

    def has_level(self, level: float) -> bool:
        """Whether there is an interval of this level."""
        return self._ends(level) is not None

    def _ends(self, level: float) -> tuple[int, int] | None:
        """Which quantiles are the ends of the interval: equally probable tails, or the lowest and the highest."""
        tail, pairs = (1 - level) / 2, list(enumerate(self.levels))
        low, high = ([i for i, q in pairs if abs(q - end) <= SAME_LEVEL] for end in (tail, 1 - tail))
        if low and high:
            return low[0], high[0]
        usual = self.usual_level
        return (0, self.parts - 1) if usual is not None and abs(usual - level) <= SAME_LEVEL else None

    def output_scale(self, scale: Normalization) -> Normalization:
        mean, std = (tuple(n for n in numbers for _ in self.levels) for numbers in (scale.mean, scale.std))
        return scale.replace(mean=mean, std=std)


@loss("gaussian")
class Gaussian(Distribution):
    """The negative log-likelihood of a normal distribution: the network predicts a mean and a standard deviation.

    The last layer has two units for each target, `dense(2)` for one: the mean, and what a softplus makes the standard
    deviation of. Predictions are means, and metrics such as `rmse` are of them.

    Formula: log(scale) + (target - mean)^2 / (2 * scale^2) + log(2 * pi) / 2
    Example: train { loss = gaussian }
    Reference: Nix and Weigend 1994, Estimating the mean and variance of the target probability distribution.
    """

    aliases = ("GaussianNLLLoss", "gaussian_nll", "NormalDistributionLoss", "normal")
    output_kind = "distribution"
    takes_normalized_targets = True
    has_likelihood = True

    @property
    def parts(self) -> int:
        return 2

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        return -self.log_density(self.parameters(logits.astype(jnp.float32)), as_numbers(targets, head.units))

    def parameters(self, logits: Any) -> Any:
        xp, pairs = library(logits), super().parameters(logits)
        return xp.stack([pairs[..., 0], xp.logaddexp(pairs[..., 1], 0) + MIN_SCALE], axis=-1)

    def logits(self, restored: Any, scale: Normalization | None) -> Any:
        pairs = super().parameters(super().logits(restored, scale))
        above = np.maximum(pairs[..., 1] - MIN_SCALE, MIN_SCALE)
        inverse = above + np.log(-np.expm1(-above))  # of the softplus
        return np.stack([pairs[..., 0], inverse], axis=-1).reshape(restored.shape)

    def log_density(self, parameters: Any, targets: Any) -> Any:
        mean, scale = parameters[..., 0], parameters[..., 1]
        return -jnp.log(scale) - 0.5 * ((targets - mean) / scale) ** 2 - 0.5 * math.log(2 * math.pi)

    def in_units(self, parameters: Any, mean: Any, std: Any) -> Any:
        moved = [parameters[..., 0] * std + mean, parameters[..., 1] * std]
        return library(parameters).stack(moved, axis=-1)

    def point(self, parameters: Any) -> Any:
        return parameters[..., 0]

    def interval(self, parameters: Any, level: float) -> tuple[Any, Any]:
        reach = NormalDist().inv_cdf((1 + level) / 2) * parameters[..., 1]
        return parameters[..., 0] - reach, parameters[..., 0] + reach


@loss("poisson")
class Poisson(Distribution):
    """For targets that are counts: the negative log-likelihood of a Poisson distribution, up to a constant.

    The network predicts the logarithm of the rate; `predict` and metrics such as `rmse` use the rate, exp of it. With
    `log = false` it predicts the rate itself and has to end in something that is never negative, such as `softplus`.

    Formula: exp(p) - target * p; with log = false: p - target * log(p + 1e-8), p the prediction
    Example: train { loss = poisson }
    """

    aliases = ("PoissonNLLLoss",)
    takes_soft_targets = True
    has_likelihood = True
    lowest = 0.0

    log: bool = option(Flag(), "the network predicts the logarithm of the rate", default=True, aliases=("log_input",))

    def values(self, logits: Any, targets: Any, head: OutputHead) -> Any:
        x, y = logits.astype(jnp.float32), as_numbers(targets, head.units)
        return jnp.exp(x) - y * x if self.log else x - y * jnp.log(x + EPSILON)

    def parameters(self, logits: Any) -> Any:
        return super().parameters(library(logits).exp(logits) if self.log else logits)

    def in_units(self, parameters: Any, mean: Any, std: Any) -> Any:
        raise NotImplementedError("counts are not normalized")

    def restored(self, outputs: Any, scale: Normalization | None) -> Any:
        return outputs

    def logits(self, restored: Any, scale: Normalization | None) -> Any:
        return restored

    def log_density(self, parameters: Any, targets: Any) -> Any:
        rate = jnp.maximum(parameters[..., 0], EPSILON)
        return targets * jnp.log(rate) - rate - jax.scipy.special.gammaln(targets + 1)

    def point(self, parameters: Any) -> Any:
        return parameters[..., 0]

    def interval(self, parameters: Any, level: float) -> tuple[Any, Any]:
        low, high = (_poisson_quantile(parameters[..., 0], p) for p in ((1 - level) / 2, (1 + level) / 2))
        return (np.asarray(low), np.asarray(high)) if isinstance(parameters, np.ndarray) else (low, high)

    def implied_by(self, head: OutputHead, target: Target) -> str:
        return "exp" if self.log else "linear"

    def misfit(self, head: OutputHead, target: Target) -> str:
        return super().misfit(head, target) or ("the targets are classes, not counts" * are_ids(head, target))

    def wrong_targets(self, targets: numpy.ndarray, head: OutputHead) -> WrongTargets | None:
        below = (targets < 0).reshape(len(targets), -1)
        if not below.any():
            return None
        index = int(below.any(axis=1).argmax())
        value = float(targets[index].reshape(-1)[below[index]][0])
        return WrongTargets(index, f"is {value:.6g}, and counts are never below 0", "use `mse` or `huber`")


def _poisson_quantile(rate: Any, probability: float) -> Any:
    """The smallest count whose cumulative probability is at least this: the counts around an approximation are tried.

    Reference: Wilson and Hilferty 1931, The distribution of chi-square, for the approximation.
    """
    rate = jnp.maximum(jnp.asarray(rate, jnp.float32), EPSILON)
    near = rate * (1 - 1 / (9 * rate) + NormalDist().inv_cdf(probability) / (3 * jnp.sqrt(rate))) ** 3
    counts = jnp.floor(jnp.clip(near, 0, 2 * rate + MAX_SMALL))[..., None] + jnp.arange(-TRIED, TRIED + 1)
    is_enough = jax.scipy.special.gammaincc(jnp.maximum(counts, 0) + 1, rate[..., None]) >= probability
    first = jnp.argmax(is_enough, axis=-1, keepdims=True)
    return jnp.maximum(jnp.take_along_axis(counts, first, axis=-1)[..., 0], 0)


def restored(loss: Loss | None, outputs: Any, scale: Normalization | None) -> Any:
    """What a network gives for an output, in the units of the targets; of a distribution its parameters."""
    if isinstance(loss, Distribution):
        return loss.restored(outputs, scale)
    return outputs if scale is None else scale.invert(outputs)


def unit_scales(scales: Mapping[str, Normalization], chain: Sequence[LossWord] | None) -> dict[str, Normalization]:
    """The scale of each unit of the last layer by output, from those of the targets; without outputs that are restored
    in another way."""
    found = {}
    for name, scale in scales.items():
        loss = loss_for(name, chain)
        own = loss.output_scale(scale) if isinstance(loss, Distribution) else scale
        if own is not None:
            found[name] = own
    return found


def ordered(quantiles: Any) -> Any:
    """Predicted quantiles, none of which is above the next one."""
    return library(quantiles).sort(quantiles, axis=-1)


def library(array: Any) -> Any:
    """NumPy for its own arrays, `jax.numpy` for others."""
    return np if isinstance(array, np.ndarray) else jnp
