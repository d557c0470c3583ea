"""The declarations: one word of every category."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from netspec.extend import (
    Activation,
    Arrays,
    Body,
    Choice,
    Code,
    Count,
    Dataset,
    Diagnostic,
    Facts,
    Flag,
    Initializer,
    Layer,
    LayerValue,
    Loss,
    Metric,
    Names,
    Number,
    Optimizer,
    PythonCall,
    PythonName,
    Schedule,
    Shape,
    Shapes,
    Source,
    Stop,
    Target,
    Unplaced,
    activation,
    activation_option,
    call,
    check_rank,
    init,
    known,
    layer,
    loss,
    make_layer,
    metric,
    optimizer,
    option,
    schedule,
    single,
    source,
    stop,
)

F = "tests.testing.own_words.functions"


class ConditionRank(Diagnostic):
    """What `film` is conditioned on is one vector for each example."""

    code = "OWN301"
    title = "`film` is conditioned on {kind} ({shape})"
    label = "its second input is {shape}"
    hint = "the condition is a vector: put `gap` or `flatten` before it"
    kind: str
    shape: str


@layer("film")
class Film(Layer):
    """Scales and shifts every channel by what a condition says.

    Shape: (... x C, N) -> ... x C
    Parameters: N * C + C, twice with `offset`
    Formula: y = x * (c W + b) + (c V + d)
    Example: (identity | gap) -> film
    Reference: Perez et al. 2017, arXiv:1709.07871.
    """

    aliases = ("FiLM",)
    input_count = (2, 2)

    offset: bool = option(Flag(), "shift too, not only scale", default=True, aliases=("shift",))
    activation: Activation | None = activation_option(0)

    def infer(self, x: Shape, condition: Shape) -> Shape:
        check_rank(self, x, (2, 3, 4), "a vector has no positions to be scaled alike")
        if condition.rank != 1 or condition.is_tokens:
            raise Unplaced(ConditionRank, at_input=1, kind=condition.kind, shape=str(condition))
        known(self, x.channels, x, "a fixed number of channels")
        known(self, condition.channels, condition, "the condition")
        return x

    def parameters(self, x: Shape, condition: Shape) -> dict[str, tuple[int, ...]]:
        sizes = (known(self, condition.channels, condition), known(self, x.channels, x))
        found: dict[str, tuple[int, ...]] = {}
        for name in ("gain", "offset") if self.offset else ("gain",):
            found |= {f"{name}.kernel": sizes, f"{name}.bias": sizes[1:]}
        return found

    def module(self, x: Shape, condition: Shape) -> PythonCall:
        return call(f"{F}:Film", x.channels, condition.channels, **({} if self.offset else {"use_offset": False}))


@layer("running_mean")
class RunningMean(Layer):
    """Takes the mean of each channel away, in training that of the batch, later that of all batches.

    Shape: any -> the same
    Example: running_mean(0.9)
    """

    takes_rngs = False
    cancels_bias = True

    keep: float = option(Number(0, 1, open_high=True), "how much of the mean is kept", default=0.9, position=0)

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (1, 2, 3, 4), "")
        known(self, x.channels, x, "a fixed number of channels")
        return x

    def state(self, x: Shape) -> dict[str, tuple[int, ...]]:
        return {"mean": (known(self, x.channels, x),)}

    def module(self, x: Shape) -> PythonCall:
        return call(f"{F}:RunningMean", x.channels, keep=self.keep)


@layer("largest")
class Largest(Layer):
    """The largest number of each channel over the steps of a sequence; padded steps are left out.

    Shape: T x C -> C
    Example: largest
    """

    reads_mask = 0

    def infer(self, x: Shape) -> Shape:
        check_rank(self, x, (2,), "a sequence is steps x channels")
        return Shape((x.channels,))

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call(f"{F}:largest", *tensors)

    def masked_code(self, module: PythonName | None, tensors: Names, mask: PythonName, shapes: Shapes) -> Code:
        return call(f"{F}:largest", *tensors, mask=mask)


@layer("blend")
class Blend(Layer):
    """The mean of the powers of two or more tensors of one shape.

    Shape: two or more of one shape -> the same
    Example: (identity | scale(2)) -> blend(2)
    """

    input_count = (2, None)

    power: int = option(Count(1, 4), "the power", default=1, position=0)
    name_of: str = option(Choice(("mean", "average")), "what it is called", default="mean")

    def infer(self, *inputs: Shape) -> Shape:
        return make_layer("add").infer(*inputs)

    def code(self, module: PythonName | None, tensors: Names, shapes: Shapes) -> Code:
        return call(f"{F}:blend", *tensors, power=self.power)


@layer("around")
class Around(Layer):
    """Adds what flows in to what comes out of a layer: a word that stands for others.

    Shape: as the body
    Example: around(scale(2))
    """

    is_macro = True

    body: LayerValue = option(Body(), "what is gone around", position=0)

    def expand(self, apply: Any, x: Any) -> Any:
        return apply(make_layer("add"), apply(make_layer("identity"), x), apply(self.body, x))


@activation("squareplus")
class Squareplus(Activation):
    """A rectifier without exponentials: y = (x + sqrt(x^2 + width)) / 2.

    Example: dense(32, squareplus)
    Reference: Barron 2021, arXiv:2112.11687.
    """

    function = f"{F}:squareplus"

    width: float = option(Number(0), "how round the corner is", default=4.0, position=0)

    def arguments(self) -> dict[str, Code]:
        return {"width": self.width}


@activation("threshold")
class Threshold(Activation):
    """max(x, t), with a trained t for each channel.

    Example: dense(32, threshold)
    """

    has_weights = True

    def parameters(self, x: Shape) -> dict[str, tuple[int, ...]]:
        assert isinstance(x.channels, int)
        return {"level": (x.channels,)}

    def module(self, x: Shape) -> PythonCall:
        return call(f"{F}:Threshold", x.channels)


@init("sparse")
class Sparse(Initializer):
    """Normal with a deviation of 0.1, with a share of zeros.

    Example: dense(10, init = sparse(0.5))
    """

    share: float = option(Number(0, 1), "the share of zeros", position=0)

    def code(self) -> Code:
        return call(f"{F}:sparse", self.share)


@loss("log_cosh")
class LogCosh(Loss):
    """The logarithm of the hyperbolic cosine of the error.

    Example: train { loss = log_cosh }
    """

    def values(self, logits: Any, targets: Any, head: Any) -> Any:
        import jax.numpy as jnp

        return jnp.log(jnp.cosh(head.apply(logits) - targets))


@metric("within")
class Within(Metric):
    """The share of answers that are wrong by less than a limit.

    Example: train { metrics = within(0.1) }
    """

    higher_is_better = True

    limit: float = option(Number(0), "the limit", default=0.1, position=0)

    def sums(self, answers: Any) -> dict[str, Any]:
        import jax.numpy as jnp

        return {f"within_{self.limit}": jnp.sum(answers.counted(jnp.abs(answers.errors) < self.limit))}

    def value(self, totals: Any) -> float:
        return float(totals.sums[f"within_{self.limit}"]) / totals.numbers


@optimizer("sign")
class Sign(Optimizer):
    """Steps of one length against the sign of the gradient.

    Example: train { optimizer = sign(0.01) }
    """

    has_rate = True

    rate: float = option(Number(0, open_low=True), "the length of a step", default=0.01, position=0)

    def build(self, rate: Any) -> Any:
        import optax

        return optax.chain(optax.scale_by_sign(), optax.scale_by_learning_rate(rate))


@schedule("halving")
class Halving(Schedule):
    """Half the rate after every epoch.

    Example: train { schedule = halving }
    """

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return 0.5 ** (step // steps_per_epoch)


@stop("after_progress")
class AfterProgress(Stop):
    """Stops at the first epoch without progress of the validation loss.

    Example: train { stop = after_progress }
    """

    def watches(self) -> str:
        return "val_loss"

    def is_better(self, value: float, best: float, *, higher: bool) -> bool:
        return value > best if higher else value < best

    def is_over(self, epochs_without_progress: int) -> bool:
        return epochs_without_progress > 0


@source("waves")
class Waves(Source):
    """Points of a sine wave: one number in, one number out.

    Example: data { source = waves(200) }
    """

    points: int = option(Count(10), "how many", default=100, position=0)

    def facts(self, folder: Path) -> Facts:
        return single(Shape((1,)), Target("numbers", 1), examples=self.points)

    def load(self, folder: Path) -> Dataset:
        x = np.linspace(-3, 3, self.points, dtype=np.float32)[:, None]
        return Dataset("waves", self.facts(folder), Arrays({"input": x}, {"output": np.sin(x)}), noun="point")
