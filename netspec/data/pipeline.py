"""One part of the data on the device; the only file of this package that imports JAX.

Comes in: `Arrays`. Goes out: the same on the device, and the order of an epoch. There are no batches here: the training
step takes a slice of the order and gathers its examples on the device itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp

from netspec.data.base import Arrays


@dataclass(frozen=True, eq=False)
class DeviceData:
    """Examples on a device. `inputs` and `targets` are `jax.Array`s by name, examples first."""

    inputs: Mapping[str, Any]
    targets: Mapping[str, Any]
    examples: int

    @classmethod
    def put(cls, arrays: Arrays, device: Any = None) -> DeviceData:
        """Copy examples to a device or a sharding (none: JAX's default device)."""
        inputs, targets = jax.device_put((dict(arrays.inputs), dict(arrays.targets)), device)
        return cls(inputs, targets, len(arrays))

    def epoch_order(self, seed_key: Any, epoch: int, *, shuffle: bool = True) -> Any:
        """The indices of all examples in the order of an epoch: the same for the same key and epoch, whatever ran
        before, so that a resumed run goes on as the first one would have."""
        if not shuffle:
            return jnp.arange(self.examples)
        return jax.random.permutation(jax.random.fold_in(seed_key, epoch), self.examples)
