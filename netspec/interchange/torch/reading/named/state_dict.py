"""Weights by name, from a file of weights, and which of them a network has taken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.reading.alignment import LayerWeights
from netspec.language.lazy import np

WRAPPERS = ("module.", "_orig_mod.", "model.")
"""What data parallelism, compilation and trainers put before all names."""
COUNTERS = (".num_batches_tracked", "position_ids", "token_type_ids")
"""Endings of the names of arrays that are not weights."""


class StateDict:
    """Arrays by name.

    `missing` are names that were asked for in vain.
    """

    def __init__(self, arrays: Mapping[str, Array]) -> None:
        self.arrays = _unwrapped({name: array for name, array in arrays.items() if not name.endswith(COUNTERS)})
        self.taken: set[str] = set()
        self.missing: list[str] = []

    def __contains__(self, name: str) -> bool:
        return name in self.arrays

    def has(self, prefix: str) -> bool:
        """Whether a name starts so."""
        return any(name.startswith(prefix) for name in self.arrays)

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array, empty if there is none."""
        return tuple(self.arrays[name].shape) if name in self.arrays else ()

    def count(self, pattern: str) -> int:
        """How many names there are with 0, 1, 2 … for the star in the pattern."""
        found = 0
        while pattern.replace("*", str(found)) in self.arrays:
            found += 1
        return found

    def without(self, prefix: str) -> StateDict:
        """The same arrays, where the prefix is removed from the names that have it."""
        return StateDict({name.removeprefix(prefix): array for name, array in self.arrays.items()})

    def take(self, name: str) -> Array | None:
        """An array; None, and noted as missing, if there is none."""
        if name not in self.arrays:
            self.missing.append(name)
            return None
        self.taken.add(name)
        return self.arrays[name]

    def leave_out(self, prefixes: Iterable[str]) -> list[str]:
        """Leave out what has one of these prefixes; the names."""
        left = [name for name in self.rest if name.startswith(tuple(prefixes))]
        self.taken |= set(left)
        return left

    @property
    def rest(self) -> list[str]:
        """Names that were not taken."""
        return [name for name in self.arrays if name not in self.taken]

    # ------------------------------------------------------------ layers, in the layout of netspec

    def _layer(self, name: str, **arrays: Array | None) -> LayerWeights:
        return LayerWeights(name, {key: array for key, array in arrays.items() if array is not None})

    def _bias(self, name: str) -> Array | None:
        return self.take(f"{name}.bias") if f"{name}.bias" in self else None

    def conv(self, name: str) -> LayerWeights:
        """A convolution, also a depthwise one: filters first, channels next."""
        kernel = self.take(f"{name}.weight")
        turned = kernel if kernel is None or kernel.ndim < 3 else np.moveaxis(kernel, (1, 0), (-2, -1))
        return self._layer(name, kernel=turned, bias=self._bias(name))

    def dense(self, name: str, image: tuple[int, int, int] | None = None, *, turned: bool = True) -> LayerWeights:
        """A dense layer, of outputs x inputs, or of inputs x outputs if not `turned`.

        `image` are channels, height and width of what was flattened before it; a convolution that covers all of it is
        the same.
        """
        kernel = self.take(f"{name}.weight")
        if kernel is not None and (kernel.ndim > 2 or image is not None):
            channels, height, width = kernel.shape[1:] if kernel.ndim > 2 else image  # type: ignore[misc]
            if kernel.size == len(kernel) * channels * height * width:
                kernel = kernel.reshape(-1, channels, height, width).transpose(0, 2, 3, 1).reshape(len(kernel), -1)
        return self._layer(name, kernel=kernel.T if kernel is not None and turned else kernel, bias=self._bias(name))

    def norm(self, name: str) -> LayerWeights:
        """A layer normalization, whose weights have been called gamma and beta, too."""
        old = f"{name}.gamma" in self
        scale, bias = ("gamma", "beta") if old else ("weight", "bias")
        return self._layer(name, scale=self.take(f"{name}.{scale}"), bias=self.take(f"{name}.{bias}"))

    def batchnorm(self, name: str) -> LayerWeights:
        return self._layer(
            name,
            scale=self.take(f"{name}.weight"),
            bias=self.take(f"{name}.bias"),
            mean=self.take(f"{name}.running_mean"),
            var=self.take(f"{name}.running_var"),
        )

    def table(self, name: str) -> LayerWeights:
        """An embedding, of ids or of positions."""
        return self._layer(name, embedding=self.take(f"{name}.weight"))

    def attention(self, name: str, projections: Sequence[str]) -> LayerWeights:
        """Attention, from the names of the dense layers for queries, keys, values and the output."""
        parts = zip(("query", "key", "value", "out"), projections, strict=True)
        arrays = {f"{part}.{k}": a for part, given in parts for k, a in self.dense(given).arrays.items()}
        return LayerWeights(name, arrays)


def _unwrapped(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Without what wrappers put before all names."""
    found = dict(arrays)
    while wrapper := next((w for w in WRAPPERS if found and all(name.startswith(w) for name in found)), None):
        found = {name.removeprefix(wrapper): array for name, array in found.items()}
    return found
