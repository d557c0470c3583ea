"""Steps that are skipped because their loss or gradient is not finite (`skip_nonfinite`)."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

State = dict[str, Any]

NONE_SKIPPED = {"in_row": np.int32(0), "steps": np.int32(0), "examples": np.int32(0)}
"""How many steps were skipped in a row, and in this epoch, with how many examples."""

TAKEN_BACK = ("params", "other", "optimizer", "sums", "watch")
"""What a skipped step does not change; random state and the step count advance."""


def take_back(before: State, after: State, is_good: Any, size: int, most: int) -> State:
    """The state after a step of `size` examples, or the state before it if its loss or gradient is not finite.

    At most `most` steps in a row are skipped; the next one is the first bad step of the run.
    """
    counts = before["skipped"]
    in_row = jnp.where(is_good, 0, counts["in_row"] + 1)
    is_first_bad = (before["bad_step"] < 0) & (in_row > most)
    kept: State = {
        name: jax.tree.map(lambda new, old: jnp.where(is_good, new, old), after[name], before[name])
        for name in TAKEN_BACK
        if name in after
    }
    return {
        **after,
        **kept,
        "bad_step": jnp.where(is_first_bad, before["step"], before["bad_step"]),
        "skipped": {
            "in_row": in_row,
            "steps": counts["steps"] + jnp.where(is_good, 0, 1),
            "examples": counts["examples"] + jnp.where(is_good, 0, size),
        },
    }
