"""How the next id is chosen from the logits of a step.

Input: logits. Output: an id for each sequence; functions of JAX, part of the compiled step.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


class Draw(NamedTuple):
    """What an id is chosen with.

    Args:
        key: of the whole text, for JAX.
        index: how many ids were chosen before.
        temperature: logits are divided by it; 0: the most probable id is chosen.
        top_k: how many of the most probable ids are considered.
        top_p: the smallest set of the most probable ids with at least this probability is considered.
        allowed: for each id whether it may be chosen.
    """

    key: Any
    index: Any
    temperature: Any
    top_k: Any
    top_p: Any
    allowed: Any


def keep_likely(logits: Any, top_k: Any, top_p: Any) -> Any:
    """Logits of batch x ids, in which those of other ids than the likely ones are -infinity.

    First the `top_k` largest are kept (Fan et al. 2018, arXiv:1805.04833). Of them, renormalized, the smallest set of
    the most probable ids whose probability is at least `top_p` is kept (Holtzman et al. 2020, arXiv:1904.09751,
    section 3.1). Among equal logits the lower id comes first.
    """
    order = jnp.argsort(-logits, axis=-1, stable=True)
    ranks = jnp.argsort(order, axis=-1)
    ranked = jnp.take_along_axis(logits, order, axis=-1)
    ranked = jnp.where(jnp.arange(logits.shape[-1]) < top_k, ranked, -jnp.inf)
    probabilities = jax.nn.softmax(ranked)
    before = jnp.cumsum(probabilities, axis=-1) - probabilities
    kept = (before < top_p) & (ranked > -jnp.inf)
    return jnp.where(jnp.take_along_axis(kept, ranks, axis=-1), logits, -jnp.inf)


def draw(logits: Any, how: Draw) -> Any:
    """The ids that are chosen for logits of batch x ids."""
    logits = jnp.where(how.allowed, logits.astype(jnp.float32), -jnp.inf)
    likely = keep_likely(logits / jnp.where(how.temperature > 0, how.temperature, 1), how.top_k, how.top_p)
    drawn = jax.random.categorical(jax.random.fold_in(how.key, how.index), likely)
    return jnp.where(how.temperature > 0, drawn, jnp.argmax(logits, axis=-1)).astype(jnp.int32)


def score(logits: Any, allowed: Any) -> Any:
    """The logarithms of the probabilities of ids, batch x ids; ids that are not allowed count as others do."""
    scores = jax.nn.log_softmax(logits.astype(jnp.float32))
    return jnp.where(allowed, scores, -jnp.inf)


def prepared(seed: int, temperature: float, top_k: int | None, top_p: float | None, allowed: Any) -> Draw:
    """The first draw of a text."""
    count = len(allowed)
    return Draw(
        jax.random.key(seed),
        np.int32(0),
        jnp.float32(temperature),
        jnp.int32(min(top_k or count, count)),
        jnp.float32(2 if top_p is None or top_p >= 1 else top_p),  # above 1: sums of many probabilities are rounded
        jnp.asarray(allowed),
    )
