"""Arrays for `netspec predict`: in .npy and .npz files, and as inputs of the network.

Input: files, arrays, and the inputs of the network. Output: arrays with a batch axis.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from netspec.data.dataset.precision import narrowed
from netspec.data.errors.prediction import WrongInput, cannot_predict
from netspec.data.formats.npy import open_npy
from netspec.data.formats.npz import open_archive
from netspec.data.predict.preprocessing import Preprocessing
from netspec.data.predict.rows import RawInputs
from netspec.language.diagnostics import Unplaced
from netspec.language.shape import Shape

BRIGHT = 2
"""A network whose training images had larger values than this learned from pixels from 0 to 255."""


def read_array(path: Path, inputs: Mapping[str, Shape], preprocessing: Preprocessing) -> Any:
    """The array in an .npy file, or the inputs in an archive; 8-bit numbers are scaled as pixels."""
    try:
        found = np.array(open_npy(path)) if path.suffix.lower() == ".npy" else _read_npz(path, inputs)
    except Unplaced as bad:
        raise _bad_array(path, bad) from None
    return found / 255 * brightest(preprocessing) if found.dtype == np.uint8 else found


def read_arrays(path: Path, inputs: Mapping[str, Shape], preprocessing: Preprocessing) -> RawInputs:
    """The arrays of several inputs in an archive, each called as its input, or with `_test` at its end."""
    try:
        with open_archive(path) as archive:
            keys = {
                name: next((key for key in (name, f"{name}_test") if key in archive.arrays), None) for name in inputs
            }
            found = {name: archive.read(key) for name, key in keys.items() if key is not None}
            known = ", ".join(archive.arrays) or "nothing"
    except Unplaced as bad:
        raise _bad_array(path, bad) from None
    if lacking := [name for name in inputs if name not in found]:
        reason = f"it has no array `{lacking[0]}`, but {known}"
        raise cannot_predict(f"`{path}`", reason, f"it needs the arrays {', '.join(inputs)}")
    arrays = {}
    for name, array in found.items():
        shape, (_, high) = inputs[name], preprocessing.ranges.get(name, (0, 1))
        pixels = array / 255 * _white(high) if array.dtype == np.uint8 and not shape.is_tokens else array
        fitted = fit(pixels, f"`{name}` of {path}", shape)
        arrays[name] = fitted.astype("int32") if shape.is_tokens else narrowed(fitted)
    counts = {name: len(array) for name, array in arrays.items()}
    if len({*counts.values()}) > 1:
        shown = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise cannot_predict(f"`{path}`", "the inputs have different numbers of examples", f"they have: {shown}")
    return RawInputs(arrays, [f"{path} {number + 1}" for number in range(next(iter(counts.values())))])


def _bad_array(path: Path, bad: Unplaced) -> WrongInput:
    diagnostic = bad.diagnostic()
    reason = str(bad.fields.get("reason", diagnostic.message))
    return cannot_predict(f"`{path}`", reason, diagnostic.hint_text)


def _read_npz(path: Path, inputs: Mapping[str, Shape]) -> Any:
    """The array that is called as the input, `x_test` or `x`, or the only one of its shape; raises Unplaced."""
    with open_archive(path) as archive:
        names = archive.arrays
        known = [name for name in (*inputs, "x_test", "X_test", "x", "X", "images") if name in names]
        if known or len(names) == 1:
            return archive.read((known or names)[0])
        shape = next(iter(inputs.values()))
        fitting = [name for name in names if fits(archive.shape(name), shape)]
        if len(fitting) == 1:
            return archive.read(fitting[0])
    listed = ", ".join((fitting or names)[:12]) or "none"
    reason = f"it has the arrays {listed}, none of them called as the input, or with its shape {shape}"
    if fitting:
        reason = f"several of its arrays have the shape {shape} of the input: {listed}"
    called = " or ".join(f"`{name}`" for name in dict.fromkeys((next(iter(inputs)), "x")))
    advice = f"call the array of the inputs {called}, or write an .npy file"
    raise cannot_predict(f"`{path}`", reason, advice)


def brightest(preprocessing: Preprocessing) -> int:
    """The value of white: 1, or 255 or 65535 if the training pixels were not scaled."""
    return _white(next(iter(preprocessing.ranges.values()), (0, 1))[1])


def _white(high: float) -> int:
    """The value of white where `high` is the largest number of the training."""
    return 1 if high <= BRIGHT else 255 if high <= 255 else 65535


def fit(found: Any, name: str, shape: Shape) -> Any:
    """An array with a batch axis, as an input of this shape; rows of numbers become images if their number fits."""
    sizes = shape.sizes
    if matches(found.shape[1:], sizes):
        return found
    if matches(found.shape, sizes):
        return found[None]
    if sizes[-1:] == (1,) and matches(found.shape[1:], sizes[:-1]):  # gray images often have no axis for it
        return found[..., None]
    if sizes[-1:] == (1,) and matches(found.shape, sizes[:-1]):
        return found[None, ..., None]
    count = shape.count
    if found.ndim == 2 and isinstance(count, int) and found.shape[1] == count:
        return found.reshape(len(found), *sizes)
    got = "x".join(map(str, found.shape[1:] if found.ndim > 1 else found.shape))
    advice = f"one example has the shape {shape}" + (f", or is a row of {count} numbers" if shape.rank > 1 else "")
    raise cannot_predict(name, f"it has the shape {got}, the network takes {shape}", advice)


def fits(got: Sequence[int], shape: Shape) -> bool:
    """Whether an array of this shape has examples of an input; gray images may have no axis for the channel."""
    sizes = shape.sizes
    return matches(got[1:], sizes) or (len(sizes) > 1 and sizes[-1] == 1 and matches(got[1:], sizes[:-1]))


def matches(got: Sequence[int], sizes: Sequence[Any]) -> bool:
    return len(got) == len(sizes) and all(not isinstance(s, int) or s == g for s, g in zip(sizes, got, strict=True))
