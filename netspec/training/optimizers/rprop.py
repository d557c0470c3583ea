"""Resilient propagation, with steps that follow the schedule."""

from __future__ import annotations

from typing import Any, NamedTuple

from netspec.language.lazy import lazy
from netspec.training.optimizers.base import ChainContext
from netspec.training.optimizers.optax_base import OptaxWord

jax = lazy("jax")
jnp = lazy("jax.numpy")
optax = lazy("optax")


class Lengths(NamedTuple):
    """What `rprop` keeps of each weight: the length of its steps, and the sign of its gradient; 0 after a change."""

    lengths: Any
    signs: Any


class RpropWord(OptaxWord):
    """What `rprop` does; its options are in the table."""

    rate: float
    eta_minus: float
    eta_plus: float
    min_step_size: float
    max_step_size: float

    def build_in(self, context: ChainContext) -> Any:
        """Steps of its own: those of Optax come one step late, and follow no schedule."""

        def begin(params: Any) -> Lengths:
            lengths = jax.tree.map(lambda weight: jnp.full_like(weight, self.rate), params)
            return Lengths(lengths, jax.tree.map(jnp.zeros_like, params))

        def longer(length: Any, sign: Any, before: Any) -> Any:
            same = sign * before
            factor = jnp.where(same > 0, self.eta_plus, jnp.where(same < 0, self.eta_minus, 1.0))
            return jnp.clip(length * factor, self.min_step_size, self.max_step_size)

        def update(gradient: Any, state: Lengths, params: Any) -> tuple[Any, Lengths]:
            signs = jax.tree.map(jnp.sign, gradient)
            lengths = jax.tree.map(longer, state.lengths, signs, state.signs)
            signs = jax.tree.map(lambda sign, before: jnp.where(sign * before < 0, 0.0, sign), signs, state.signs)
            steps = jax.tree.map(lambda length, sign: -context.factor * length * sign, lengths, signs)
            return steps, Lengths(lengths, signs)

        return optax.GradientTransformation(begin, update)
