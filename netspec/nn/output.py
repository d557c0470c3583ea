"""The end of a network, which is left out while it is trained: losses read logits."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp


def predictions(head: str, logits: Any) -> Any:
    """What the end `softmax`, `sigmoid` or `exp` makes of logits; for any other the logits are the predictions."""
    if head == "softmax":
        return jax.nn.softmax(logits, axis=-1)
    if head == "sigmoid":
        return jax.nn.sigmoid(logits)
    return jnp.exp(logits) if head == "exp" else logits
