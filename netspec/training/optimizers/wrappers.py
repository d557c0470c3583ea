"""Words that decide when and how the rest of the chain is applied: accumulated gradients, skipped steps."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

from netspec.language.kinds import Count
from netspec.language.lazy import lazy
from netspec.language.word import option
from netspec.training.optimizers.base import POSITIVE, ChainContext, Wrapper, optimizer, strong, typed_as
from netspec.training.optimizers.optax_base import CLOSENESS, OPTIONS
from netspec.training.table import table_word

contrib = lazy("optax.contrib")
jax = lazy("jax")
jnp = lazy("jax.numpy")
optax = lazy("optax")


class Gathered(NamedTuple):
    """The state of `accumulate`: the state of the rest, sums over examples (in 32 bits), and over how many batches.

    `sums` are those of the gradient, of the loss, and of the examples themselves.
    """

    inner: Any
    sums: tuple[Any, Any, Any]
    batches: Any


@optimizer("accumulate")
class Accumulate(Wrapper):
    """Accumulates the gradients of several batches for one step of the optimizer, as if they were one large batch.

    Batches count by their examples, so `batch = 8` with `accumulate(4)` follows the gradient of `batch = 32`. At the
    end of an epoch the remaining batches make a step, however few they are. Schedules still count every batch as a
    step.

    Example: train { optimizer = accumulate(4) -> adam(1e-3) }
    """

    aliases = ("MultiSteps", "gradient_accumulation_steps", "accumulate_grad_batches")

    steps: int = option(Count(), "how many batches", position=0, aliases=("every_k_schedule",))

    def wrap(self, inner: Any, context: ChainContext) -> Any:
        def begin(params: Any) -> Gathered:
            zeros = jax.tree.map(lambda weight: jnp.zeros(weight.shape, jnp.float32), params)
            return Gathered(strong(inner.init(params)), (zeros, jnp.float32(0), jnp.int32(0)), jnp.int32(0))

        def update(
            gradient: Any, state: Gathered, params: Any, *, value: Any, examples: int, closes: Any
        ) -> tuple[Any, Gathered]:
            total, loss, count = jax.tree.map(
                lambda old, new: old + jnp.asarray(examples * new, old.dtype), state.sums, (gradient, value, 1)
            )
            is_whole = (state.batches + 1 >= self.steps) | closes

            def follow() -> tuple[Any, Any]:
                mean = jax.tree.map(lambda sum_, g: (sum_ / count).astype(g.dtype), total, gradient)
                # To what comes after, the batches of the group are a single one.
                updates, after = inner.update(mean, state.inner, params, value=loss / count, examples=1, closes=closes)
                return updates, jax.tree.map(typed_as, after, state.inner)

            kinds, _ = jax.eval_shape(follow)

            def wait() -> tuple[Any, Any]:
                return jax.tree.map(lambda kind: jnp.zeros(kind.shape, kind.dtype), kinds), state.inner

            updates, after = jax.lax.cond(is_whole, follow, wait)
            sums = jax.tree.map(lambda part: jnp.where(is_whole, jnp.zeros_like(part), part), (total, loss, count))
            return updates, Gathered(after, sums, jnp.where(is_whole, 0, state.batches + 1))

        return optax.GradientTransformationExtraArgs(begin, update)


@optimizer("skip_nonfinite")
class SkipNonfinite(Wrapper):
    """Skips steps whose loss or gradient is not finite; training stops after too many in a row.

    Nothing of such a batch remains: not in the weights, not in running statistics, not in the metrics of the epoch,
    which report how many steps were skipped. It comes first in the chain.

    Example: train { optimizer = skip_nonfinite(5) -> adam(1e-3) }
    """

    place = "first"
    aliases = ("apply_if_finite", "zero_nans")

    most: int = option(
        Count(), "how many in a row are skipped", default=5, position=0, aliases=("max_consecutive_errors",)
    )

    def wrap(self, inner: Any, context: ChainContext) -> Any:
        return inner  # more than the step is skipped: the engine does it


wrapper = partial(table_word, Wrapper, OPTIONS, wraps_all=False)

Mechanize = wrapper(
    "mechanize(*, decay=0.01, epsilon=1e-8, s_init=1e-6, num_betas=6)",
    "Finds a factor for the steps of the optimizer after it, so that its learning rate needs no tuning.",
    "Cutkosky, Defazio and Mehta 2023, arXiv:2306.00144.",
    example="mechanize -> adam(1e-3)",
    options={
        "decay": "how strongly small weights are preferred",
        "epsilon": option(POSITIVE, "added to avoid division by zero", aliases=("eps",)),
        "s_init": option(POSITIVE, "the first factor"),
        "num_betas": option(Count(), "how many time scales are tried"),
    },
    aliases=("mechanic",),
    wrap=lambda self, inner, context: contrib.mechanize(inner, self.decay, self.epsilon, self.s_init, self.num_betas),
)
ScheduleFree = wrapper(
    "schedule_free(*, b1=0.9, weight_lr_power=2)",
    "Makes learning-rate decay unnecessary for the optimizer after it: predictions use a mean of all weights so far.",
    "Defazio et al. 2024, arXiv:2405.15682.",
    example="schedule_free -> rmsprop(1e-3)",
    details="The optimizer after it should have no momentum. Validation metrics and saved weights are those of the "
    "mean.",
    options={"b1": CLOSENESS},
    has_eval_weights=True,
    wrap=lambda self, inner, context: contrib.schedule_free(inner, context.rate, self.b1, self.weight_lr_power),
)
