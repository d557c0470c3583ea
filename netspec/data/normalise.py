"""Mean and standard deviation of the training examples, kept with the weights and applied at prediction.

Comes in: the training inputs. Goes out: `Normalisation`, which is plain numbers and goes to JSON and back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from netspec.data.base import Array

BLOCK = 4096
"""Examples that are summed at a time, so that no second copy of large data is made in double precision."""


@dataclass(frozen=True)
class Normalisation:
    """(x - mean) / std along the last axis: a number for each feature or channel. `std` is 1 where all were equal."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def apply(self, x: Array) -> Array:
        """Normalise examples of any number; the channels are last. float32 comes out, `x` stays as it is."""
        import numpy as np

        scaled = np.subtract(x, np.array(self.mean, np.float32), dtype=np.float32)
        np.divide(scaled, np.array(self.std, np.float32), out=scaled)
        return scaled

    def as_json(self) -> dict[str, list[float]]:
        return {"mean": list(self.mean), "std": list(self.std)}

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Normalisation:
        return cls(tuple(map(float, value["mean"])), tuple(map(float, value["std"])))


def measure(x: Array) -> Normalisation:
    """Mean and standard deviation (of the population) over all axes but the last."""
    import numpy as np

    count = x.size // x.shape[-1]
    axes = tuple(range(x.ndim - 1))
    mean = np.zeros(x.shape[-1])
    for start in range(0, len(x), BLOCK):
        mean += x[start : start + BLOCK].sum(axis=axes, dtype=np.float64)
    mean /= count
    variance = np.zeros(x.shape[-1])
    for start in range(0, len(x), BLOCK):
        variance += np.square(x[start : start + BLOCK] - mean).sum(axis=axes)
    std = np.sqrt(variance / count)
    # what is constant keeps a rounding error of the mean, which must not be blown up to 1
    std[std <= 1e-7 * np.maximum(1.0, np.abs(mean))] = 1.0
    return Normalisation(tuple(mean.tolist()), tuple(std.tolist()))
