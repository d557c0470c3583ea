"""Arrays from Python as a `Dataset`.

Comes in: arrays, or dictionaries of arrays for several inputs or outputs. Goes out: the same numbers in the types that
`Arrays` promises, copied only where the type has to change, with facts that follow from shapes and types.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any

from netspec.data.dataset.dataset import Arrays, Dataset, Facts, Target
from netspec.data.dataset.lazy_rows import Array, in_memory
from netspec.data.errors.files import BadPair, NoExamples, UnequalLengths, WrongType
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.shape import Shape

LARGEST_ID = 2**31 - 1


def from_arrays(
    x: Any,
    y: Any = None,
    x_test: Any = None,
    y_test: Any = None,
    names: Sequence[str] | None = None,
    *,
    name: str = "data",
) -> Dataset:
    """Arrays as data.

    Args:
        x: inputs, examples first and channels last, or a dictionary of them by the names of the inputs. 8-bit images
            are scaled to 0..1 and get a channel axis when they have none; other numbers are taken as they are.
        y: targets, or a dictionary of them by the names of the outputs. Whole numbers are class ids from 0, truth
            values and numbers that are all 0 or 1 are yes or no, other numbers are numbers. None for a net whose
            target is its input.
        x_test: inputs of the test split.
        y_test: targets of the test split.
        names: names of the classes, when one target has classes.
        name: what the data are called in messages.

    Raises:
        Unplaced: the arrays do not belong together, are empty, or hold something else than numbers.
    """
    if y is not None and (x_test is None) != (y_test is None):
        given, missing = ("`y_test`", "`x_test`") if x_test is None else ("`x_test`", "`y_test`")
        raise Unplaced(BadPair, given=given, missing=missing)
    train = _as_arrays(x, y, "")
    test = _as_arrays(x_test, y_test, "_test") if x_test is not None else None
    if test is not None:
        _check_same_examples(train, test)
    inputs = {key: Shape(array.shape[1:]) for key, array in train.inputs.items()}
    targets = {
        key: target_of(in_memory(array), in_memory(test.targets[key]) if test is not None else None)
        for key, array in train.targets.items()
    }
    facts = Facts(inputs, _with_names(targets, names), len(train), test is not None)
    return Dataset(name, facts, train, test)


def dataset_of(value: Any, name: str = "data") -> Dataset | None:
    """What a person hands over as data: a `Dataset`, `(x, y)`, `(x, y, x_test, y_test)`, a dict of these, or inputs
    alone for a net whose target is the input; None for anything else.

    Raises:
        Unplaced: the arrays do not belong together.
    """
    if isinstance(value, Dataset):
        return value
    if isinstance(value, Mapping) and "x" in value and {*value} <= {"x", "y", "x_test", "y_test"}:
        return from_arrays(**value, name=name)
    if isinstance(value, tuple | list) and len(value) in (2, 4):
        return from_arrays(*value, name=name)
    return from_arrays(value, name=name) if hasattr(value, "shape") else None


def input_sizes(shape: tuple[int, ...], dtype: Any) -> tuple[int, ...]:
    """The sizes of one example, for an array of examples of this shape and type: 8-bit images have a channel axis."""
    if len(shape) == 1:
        return (1,)
    return (*shape[1:], 1) if dtype == "uint8" and len(shape) == 3 else tuple(shape[1:])


def input_array(array: Array) -> Array:
    """Numbers as inputs: float32, or int32 for vectors of whole numbers, which may be token ids."""
    sizes = input_sizes(array.shape, array.dtype)
    fits = array.dtype.kind in "iu" and int(array.min()) >= -LARGEST_ID and int(array.max()) <= LARGEST_ID
    whole = fits and len(sizes) == 1
    with np.errstate(over="ignore"):  # what is too large becomes infinite, which the checks tell with its place
        converted = array.astype(np.int32 if whole else np.float32, copy=False).reshape(len(array), *sizes)
    if array.dtype == np.uint8 and len(sizes) > 1:
        np.divide(converted, 255, out=converted)  # a copy by now: the type has changed
    return converted


def target_array(array: Array, what: str) -> Array:
    """Numbers as targets: int32 ids without an axis of size 1, or float32 with at least two axes.

    Raises:
        Unplaced: whole numbers are one-hot rows, not ids.
    """
    if array.dtype.kind in "iu":
        if array.ndim == 2 and array.shape[1] > 1 and is_one_hot(array):
            advice = f"give class ids: `{what}.argmax(axis=1)`"
            raise Unplaced(WrongType, what=what, found="one-hot rows", advice=advice)
        flat = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
        return flat.astype(np.int32, copy=False)
    with np.errstate(over="ignore"):  # as for inputs
        numbers = array.astype(np.float32, copy=False)
    return numbers[:, None] if numbers.ndim == 1 else numbers


def is_one_hot(array: Array) -> bool:
    """Every row has a single 1 and zeros."""
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=-1) == 1).all())


def target_of(array: Array, test: Array | None = None) -> Target:
    """What targets in the form of `target_array` are; those of the test split may hold classes of their own."""
    size = prod(array.shape[1:])
    if array.dtype.kind == "i":
        highest = max(int(part.max()) for part in (array, test) if part is not None and part.size)
        return Target("class", size, max(highest + 1, 1))
    return Target("binary" if ((array == 0) | (array == 1)).all() else "numbers", size)


def as_numbers(value: Any, what: str) -> Array:
    """Anything that NumPy takes, as an array of numbers with examples in it.

    Raises:
        Unplaced: it holds something else, or nothing.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise Unplaced(
            WrongType, what=what, found="rows of unequal length", advice="make them all the same length"
        ) from error
    if array.dtype.kind not in "biuf":
        raise Unplaced(WrongType, what=what, found=_type_name(array), advice=_type_advice(array, what))
    if array.ndim == 0:
        advice = "give an array with one row for each example"
        raise Unplaced(WrongType, what=what, found="a single number", advice=advice)
    if not array.size:
        missing = "examples" if not len(array) else "numbers in its examples"
        raise Unplaced(NoExamples, what=what, missing=missing, advice=f"its shape is {array.shape}")
    return array


def _type_name(array: Array) -> str:
    names = {"O": "Python objects", "U": "texts", "S": "bytes", "M": "dates", "m": "durations", "c": "complex numbers"}
    return names.get(array.dtype.kind, f"values of type {array.dtype}")


def _type_advice(array: Array, what: str) -> str:
    if array.dtype.kind in "US":
        return f"make ids of texts: `names, ids = numpy.unique({what}, return_inverse=True)`"
    if array.dtype.kind == "O":
        return "rows of unequal length and None make objects of numbers; the array must have a type such as float32"
    return f'convert it first: `{what}.astype("float32")`'


def _by_name(value: Any, what: str, default: str) -> dict[str, tuple[str, Array]]:
    """Name -> (what messages call it, the array)."""
    if not isinstance(value, Mapping):
        return {default: (what, as_numbers(value, what))}
    if not value:
        raise Unplaced(NoExamples, what=what, missing="arrays", advice="give at least one, by name")
    return {str(key): (f'{what}["{key}"]', as_numbers(array, f'{what}["{key}"]')) for key, array in value.items()}


def _as_arrays(x: Any, y: Any, suffix: str) -> Arrays:
    inputs = _by_name(x, f"x{suffix}", "input")
    targets = _by_name(y, f"y{suffix}", "output") if y is not None else {}
    check_lengths({what: len(array) for what, array in [*inputs.values(), *targets.values()]})
    return Arrays(
        {key: input_array(array) for key, (_, array) in inputs.items()},
        {key: target_array(array, what) for key, (what, array) in targets.items()},
    )


def check_lengths(lengths: Mapping[str, int]) -> None:
    """Raises Unplaced unless all arrays have as many examples as the first."""
    (first, count), *others = lengths.items()
    for what, length in others:
        if length != count:
            reason = f"{count} and {length} examples"
            advice = "give one row for each example in every array"
            raise Unplaced(UnequalLengths, first=first, second=what, reason=reason, advice=advice)


def _check_same_examples(train: Arrays, test: Arrays) -> None:
    """Raises Unplaced unless both have the same names, and examples of the same shape and kind."""
    for letter, ours, theirs in (("x", train.inputs, test.inputs), ("y", train.targets, test.targets)):
        if set(ours) != set(theirs):
            reason = f"{', '.join(sorted(ours))} and {', '.join(sorted(theirs))}"
            raise _unlike(letter, reason, "use the same names")
        for key in ours:
            sizes = [("x".join(map(str, a[key].shape[1:])) or "1") for a in (ours, theirs)]
            if sizes[0] != sizes[1]:
                raise _unlike(letter, f"examples of {sizes[0]} and of {sizes[1]}", "give both the same shape")
            if letter == "y" and ours[key].dtype != theirs[key].dtype:
                raise _unlike(letter, f"{ours[key].dtype} and {theirs[key].dtype}", "give both the same type")


def _unlike(letter: str, reason: str, advice: str) -> Unplaced:
    return Unplaced(UnequalLengths, first=letter, second=f"{letter}_test", reason=reason, advice=advice)


def _with_names(targets: dict[str, Target], names: Sequence[str] | None) -> dict[str, Target]:
    """Raises Unplaced when there are fewer names than classes, or no single target for them."""
    if names is None:
        return targets
    keys = [key for key, target in targets.items() if target.kind == "class"]
    if len(keys) != 1:
        reason = f"{len(keys)} targets have classes"
        raise Unplaced(
            UnequalLengths, first="names", second="y", reason=reason, advice="names are for a single target of classes"
        )
    target = targets[keys[0]]
    if target.classes is not None and len(names) < target.classes:
        reason = f"{len(names)} names and {target.classes} classes"
        advice = "ids begin at 0, and every id needs a name"
        raise Unplaced(UnequalLengths, first="names", second="y", reason=reason, advice=advice)
    return targets | {keys[0]: target.replace(classes=len(names), names=tuple(map(str, names)))}
