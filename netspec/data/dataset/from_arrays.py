"""Arrays from Python as a `Dataset`.

Input: arrays, or dictionaries of arrays for several inputs or outputs. Output: the same numbers with the dtypes of
`Arrays`, copied only where the dtype changes, with facts that follow from shapes and dtypes.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from math import prod
from typing import Any

from netspec.data.dataset.dataset import IGNORED, Arrays, Dataset, Facts, Target
from netspec.data.dataset.lazy_rows import Array, in_memory
from netspec.data.dataset.precision import narrowed
from netspec.data.dataset.ragged import pad_all, ragged_inputs
from netspec.data.errors.files import BadPair, NoColumn, NoExamples, UnequalLengths, WrongType
from netspec.data.transforms.columns import names_in_metrics
from netspec.language.corrections import suggest
from netspec.language.diagnostics import Unplaced
from netspec.language.lazy import np
from netspec.language.shape import Shape

MAX_ID = 2**31 - 1
MAX_LABELS = 10_000
"""Different labels that are remembered; more of them are not classes, or not with gaps."""
MAX_COUNTED = 1_000_000
"""Labels below this are counted, others sorted."""
TYPE_NAMES = {"O": "Python objects", "U": "texts", "S": "bytes", "M": "dates", "m": "durations", "c": "complex numbers"}


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
            are scaled to 0..1 and get a channel axis when they have none; other numbers are not changed, and get this
            axis for a network that declares it. Data frames keep the names of their columns.
        y: targets, or a dictionary of them by the names of the outputs. Integers are class ids from 0, texts are names
            of classes (sorted, unless `names` has them), booleans and numbers that are all 0 or 1 are binary labels,
            other numbers are numbers. None for a network whose target is its input.
        x_test: inputs of the test split.
        y_test: targets of the test split.
        names: names of the classes, when one target has classes.
        name: what the data are called in messages.

    Raises:
        Unplaced: the arrays do not match, are empty, or hold something else than numbers.
    """
    if y is not None:
        given = [key for key, value in (("x_test", x_test), ("y_test", y_test)) if value is not None]
        check_pairs(given, ("x_test", "y_test"), ("y_test", "x_test"))
    y, y_test, names = ids_of_texts(y, y_test, names)
    parts = pad_all({"x": x, "y": y, "x_test": x_test, "y_test": y_test})
    ragged = ragged_inputs(x, parts["x"])
    x, y, x_test, y_test = parts.values()
    columns = {key: header for key, part in _named_parts(x, "input").items() if (header := column_names(part))}
    train = as_arrays(x, y, "")
    test = as_arrays(_in_order(x_test, columns), y_test, "_test") if x_test is not None else None
    if test is not None:
        _check_same_examples(train, test)
    inputs = {key: Shape(array.shape[1:]) for key, array in train.inputs.items()}
    targets = {
        key: target_of(in_memory(array), in_memory(test.targets[key]) if test is not None else None)
        for key, array in train.targets.items()
    }
    for key, part in _named_parts(y, "output").items():
        if header := column_names(part):
            targets[key] = targets[key].replace(columns=names_in_metrics(header))
    facts = Facts(inputs, with_names(targets, names), len(train), test is not None, ragged=ragged)
    return Dataset(name, facts, train, test, columns=columns)


def ids_of_texts(y: Any, y_test: Any, names: Sequence[str] | None) -> tuple[Any, Any, Sequence[str] | None]:
    """Labels that are texts as class ids, with the names of the classes; anything else as it is."""
    texts = [_texts(part) for part in (y, y_test) if part is not None]
    if not texts or any(part is None for part in texts):
        return y, y_test, names
    known = list(names) if names is not None else sorted({*(label for part in texts if part for label in part)})
    place = {label: number for number, label in enumerate(known)}
    strange = next((label for part in texts if part for label in part if label not in place), None)
    if strange is not None:
        reason = f"{len(known)} names, and the label {strange!r} is not among them"
        raise Unplaced(UnequalLengths, first="names", second="y", reason=reason, case="class names")
    ids = [np.array([place[label] for label in part or ()], np.int32) for part in texts]
    return ids[0], ids[1] if y_test is not None else None, known


def target_of_arrays(*named: tuple[str, Any]) -> tuple[Target, int]:
    """What the targets of an array (and those of the test split) are, numbers or names of classes; and how many. They
    are given with what messages call them.

    Raises:
        Unplaced: they are something else.
    """
    y, y_test, names = ids_of_texts(named[0][1], named[1][1] if len(named) > 1 else None, None)
    parts = [target_array(as_numbers(part, what), what) for (what, _), part in zip(named, (y, y_test), strict=False)]
    return with_names({"output": target_of(*parts)}, names)["output"], len(parts[0])


def _texts(labels: Any) -> list[str] | None:
    """The labels of examples, one each, when they are texts."""
    if isinstance(labels, Mapping) or not hasattr(labels, "__len__") or not len(labels):
        return None
    try:
        array = np.asarray(labels)
    except ValueError:  # rows of unequal length, which are reported later
        return None
    array = array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array
    if array.dtype.kind == "S":
        array = np.char.decode(array, "utf-8", "replace")
    if array.ndim != 1 or array.dtype.kind not in "UO":
        return None
    return [str(label) for label in array] if all(isinstance(label, str) for label in array.tolist()) else None


def column_names(array: Any) -> tuple[str, ...]:
    """The names of the columns of a data frame; none of one that numbers its columns, nor of anything else."""
    names = tuple(getattr(array, "columns", ())) if len(getattr(array, "shape", ())) == 2 else ()
    return names if all(isinstance(name, str) for name in names) else ()


def _named_parts(x: Any, key: str) -> Mapping[str, Any]:
    return x if isinstance(x, Mapping) else {key: x}


def _in_order(x: Any, columns: Mapping[str, tuple[str, ...]]) -> Any:
    """Data frames of the test with the columns of those of the training, by name; raises Unplaced if one is missing."""
    ordered = {}
    for key, part in _named_parts(x, "input").items():
        names = column_names(part)
        if names and key in columns:
            for column in columns[key]:
                if column not in names:
                    advice = suggest(column, names, what="its columns")
                    raise Unplaced(NoColumn, option="x_test", file="x_test", column=column, advice=advice)
            part = part[list(columns[key])]
        ordered[key] = part
    return ordered if isinstance(x, Mapping) else ordered["input"]


def dataset_of(value: Any, name: str = "data") -> Dataset | None:
    """Data as users pass them: a `Dataset`, `(x, y)`, `(x, y, x_test, y_test)`, a dict of these, or inputs alone for a
    network whose target is the input; None for anything else.

    Raises:
        Unplaced: the arrays do not match.
    """
    if isinstance(value, Dataset):
        return value
    if isinstance(value, Mapping) and "x" in value and {*value} <= {"x", "y", "x_test", "y_test"}:
        return from_arrays(**value, name=name)
    if isinstance(value, tuple | list) and len(value) in (2, 4):
        _check_apart(value[0], value[1])
        _check_order(value)
        return from_arrays(*value, name=name)
    if not hasattr(value, "shape"):
        return None
    _check_apart(value, None)
    return from_arrays(value, name=name)


def _check_order(arrays: Sequence[Any]) -> None:
    """Raises Unplaced for arrays that are given in another order, as other libraries have it: one integer or text for
    each example, and several numbers as its target, are swapped."""
    shapes: list[tuple[int, ...]] = [getattr(part, "shape", ()) for part in arrays]
    x, y = shapes[:2]
    are_labels = len(x) == 1 and np.asarray(arrays[0]).dtype.kind in "iuUO"
    if are_labels and len(y) > 1 and x[0] == y[0] and prod(y[1:]) > 1 and np.asarray(arrays[1]).dtype.kind == "f":
        reason = f"examples of {Shape(x[1:] or (1,))} with targets of {Shape(y[1:])}, which seem to be swapped"
        raise Unplaced(UnequalLengths, first="x", second="y", reason=reason, case="swapped")
    if len(shapes) == 4 and all(shapes) and x[1:] == y[1:] and x[0] != y[0]:
        lengths = [shape[0] for shape in shapes]
        if lengths[2:] == lengths[:2]:
            reason = f"{x[0]:,} and {y[0]:,} examples"
            raise Unplaced(UnequalLengths, first="x", second="y", reason=reason, case="order")


def input_sizes(shape: tuple[int, ...], dtype: Any) -> tuple[int, ...]:
    """The sizes of one example, for an array of examples of this shape and type: 8-bit images have a channel axis."""
    if len(shape) == 1:
        return (1,)
    return (*shape[1:], 1) if dtype == "uint8" and len(shape) == 3 else tuple(shape[1:])


def input_array(array: Array) -> Array:
    """Numbers as inputs: float32 (float64 where that is not exact), or int32 for vectors of whole numbers, which may be
    token ids."""
    sizes = input_sizes(array.shape, array.dtype)
    fits = array.dtype.kind in "iu" and int(array.min()) >= -MAX_ID and int(array.max()) <= MAX_ID
    return convert_inputs(array, sizes, may_be_ids=fits and len(sizes) == 1)


def convert_inputs(array: Array, sizes: tuple[int, ...], *, may_be_ids: bool = False) -> Array:
    """Numbers of a file as inputs of these sizes: int32 for ids, otherwise float32, or float64 where that is not exact;
    8-bit ones scaled to 0..1."""
    numbers = array.astype(np.int32, copy=False) if may_be_ids else narrowed(array)
    converted = numbers.reshape(len(array), *sizes)
    if array.dtype == np.uint8 and not may_be_ids:
        np.divide(converted, 255, out=converted)  # a copy by now: the dtype has changed
    return converted


def target_array(array: Array, what: str) -> Array:
    """Numbers as targets: int32 ids without an axis of size 1, or float32 with at least two axes.

    Raises:
        Unplaced: whole numbers are one-hot rows, not ids.
    """
    if array.dtype.kind in "iu":
        if is_one_hot(array):
            raise Unplaced(WrongType, what=what, found="one-hot rows", case="one-hot")
        return label_array(array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array)
    numbers = narrowed(array)
    return numbers[:, None] if numbers.ndim == 1 else numbers


def label_array(array: Array) -> Array:
    """Integers as labels: int32 where that holds them all."""
    fits = array.dtype.itemsize < 4 or not array.size or (int(array.min()) >= -MAX_ID and int(array.max()) <= MAX_ID)
    return array.astype(np.int32, copy=False) if fits else array


def is_one_hot(array: Array) -> bool:
    """Every row, of at least two numbers, has a single 1 and zeros."""
    if array.ndim < 2 or array.shape[-1] < 2:
        return False
    return bool(((array == 0) | (array == 1)).all() and (array.sum(axis=-1) == 1).all())


def target_of(array: Array, test: Array | None = None) -> Target:
    """What targets in the form of `target_array` are; those of the test split may hold classes of their own."""
    size = prod(array.shape[1:])
    mask = _mask_of(array)
    if array.dtype.kind in "iu":
        parts = [part for part in (array, test) if part is not None and part.size]
        if mask is not None:
            parts = [kept for part in parts if (kept := part[part != IGNORED]).size] or [np.zeros(1, np.int32)]
        low, high = min(int(part.min()) for part in parts), max(int(part.max()) for part in parts)
        labels = _labels(parts, low, high)
        is_usual = low >= 0 and labels is not None and len(labels) == high + 1
        return Target("class", size, max(high + 1, 1), labels=None if is_usual else labels, mask=mask)
    if ((array == 0) | (array == 1)).all():
        return Target("binary", size, mask=mask)
    return Target("numbers", size)


def _mask_of(array: Array) -> tuple[int, int] | None:
    """Height and width of targets that have a class at each pixel, or 0 or 1, which have an axis for the channel."""
    sizes = array.shape[1:]
    if array.dtype.kind == "f":
        sizes = sizes[:-1] if sizes[-1:] == (1,) else ()
    return (sizes[0], sizes[1]) if len(sizes) == 2 else None


def _labels(parts: Sequence[Array], low: int, high: int) -> tuple[int, ...] | None:
    """The labels that occur, sorted; None for very many."""
    if low >= 0 and high < MAX_COUNTED:  # much faster than sorting
        counts = sum(np.bincount(part.reshape(-1).astype(np.int64), minlength=high + 1) for part in parts)
        found = np.flatnonzero(counts).tolist()
    else:
        found = sorted({*(label for part in parts for label in np.unique(part).tolist())})
    return tuple(found) if len(found) <= MAX_LABELS else None


def as_numbers(value: Any, what: str) -> Array:
    """Anything that NumPy takes, as an array of numbers with examples in it.

    Raises:
        Unplaced: it holds something else, or nothing.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise Unplaced(WrongType, what=what, found="rows of unequal length", case="ragged") from error
    if array.dtype.kind == "O" and (header := column_names(value)):
        if wrong := _not_numbers(value, header):
            raise Unplaced(WrongType, what=what, found=_listed(wrong), case="frame")
        array = np.column_stack([np.asarray(value[name]) for name in header])  # of numbers and booleans
    if array.dtype.kind not in "biuf":
        found = TYPE_NAMES.get(array.dtype.kind, f"values of type {array.dtype}")
        raise Unplaced(WrongType, what=what, found=found, case=array.dtype.kind)
    if array.ndim == 0:
        raise Unplaced(WrongType, what=what, found="a single number", case="number")
    if not array.size:
        missing = "examples" if not len(array) else "numbers in its examples"
        raise Unplaced(NoExamples, what=what, missing=missing, advice=f"its shape is {array.shape}")
    return array


def _not_numbers(frame: Any, header: Sequence[str]) -> list[str]:
    return [name for name in header if np.asarray(frame[name]).dtype.kind not in "biuf"]


def _listed(columns: Sequence[str]) -> str:
    shown = ", ".join(f"`{name}`" for name in columns[:8]) + (", …" if len(columns) > 8 else "")
    return f"columns that are not numbers: {shown}"


def _check_apart(x: Any, y: Any) -> None:
    """Raises Unplaced for a data frame that holds the targets, too: `y` is the name of a column, or there is none."""
    header = column_names(x)
    if isinstance(y, str) and y in header:
        raise Unplaced(WrongType, what="y", found=f"the name of a column, `{y}`", case="apart", column=y)
    if isinstance(y, str) and header:
        case = "apart, one-hot" if any(name.startswith(f"{y}_") for name in header) else "column name"
        raise Unplaced(WrongType, what="y", found=f"a single text, `{y}`", case=case, column=y)
    wrong = _not_numbers(x, header)
    column = header[-1] if y is None and wrong else getattr(y, "name", None)
    if wrong and (y is None or column in wrong):
        raise Unplaced(WrongType, what="x", found=_listed(wrong), case="apart", column=column)


def _by_name(value: Any, what: str, default: str) -> dict[str, tuple[str, Array]]:
    """Name -> (what messages call it, the array)."""
    if not isinstance(value, Mapping):
        return {default: (what, as_numbers(value, what))}
    if not value:
        raise Unplaced(NoExamples, what=what, missing="arrays", advice="give at least one, by name")
    return {str(key): (f'{what}["{key}"]', as_numbers(array, f'{what}["{key}"]')) for key, array in value.items()}


def as_arrays(x: Any, y: Any, suffix: str = "") -> Arrays:
    """Inputs and targets (None: none) with the dtypes of `Arrays`; messages call them `x` and `y` with a suffix.

    Raises:
        Unplaced: they hold something else than numbers, or have different lengths.
    """
    inputs = _by_name(x, f"x{suffix}", "input")
    targets = _by_name(y, f"y{suffix}", "output") if y is not None else {}
    check_lengths({what: len(array) for what, array in [*inputs.values(), *targets.values()]})
    return Arrays(
        {key: input_array(array) for key, (_, array) in inputs.items()},
        {key: target_array(array, what) for key, (what, array) in targets.items()},
    )


def check_pairs(given: Collection[str], *pairs: tuple[str, str], option: str | None = None) -> None:
    """Raises Unplaced, at `option` or at the first argument, when the first of a pair is given without the second."""
    for first, second in pairs:
        if first in given and second not in given:
            raise Unplaced(BadPair, option=option or first, given=first, missing=second)


def check_lengths(lengths: Mapping[str, int]) -> None:
    """Raises Unplaced unless all arrays have as many examples as the first."""
    (first, count), *others = lengths.items()
    for what, length in others:
        if length != count:
            raise Unplaced(UnequalLengths, first=first, second=what, reason=f"{count} and {length} examples")


def _check_same_examples(train: Arrays, test: Arrays) -> None:
    """Raises Unplaced unless both have the same names, and examples of the same shape and kind."""
    for letter, ours, theirs in (("x", train.inputs, test.inputs), ("y", train.targets, test.targets)):
        unlike = partial(Unplaced, UnequalLengths, first=letter, second=f"{letter}_test")
        if set(ours) != set(theirs):
            raise unlike(reason=f"{', '.join(sorted(ours))} and {', '.join(sorted(theirs))}", case="names")
        for key in ours:
            sizes = [("x".join(map(str, a[key].shape[1:])) or "1") for a in (ours, theirs)]
            if sizes[0] != sizes[1]:
                raise unlike(reason=f"examples of {sizes[0]} and of {sizes[1]}", case="shapes")
            if letter == "y" and ours[key].dtype.kind != theirs[key].dtype.kind:
                raise unlike(reason=f"{ours[key].dtype} and {theirs[key].dtype}", case="types")


def with_names(targets: dict[str, Target], names: Sequence[str] | None) -> dict[str, Target]:
    """Raises Unplaced when there are fewer names than classes, or not exactly one target for them."""
    if names is None:
        return targets
    unlike = partial(Unplaced, UnequalLengths, first="names", second="y")
    keys = [key for key, target in targets.items() if target.kind == "class"]
    if len(keys) != 1:
        raise unlike(reason=f"{len(keys)} targets have classes", case="one target")
    target = targets[keys[0]]
    if target.classes is not None and len(names) < target.classes:
        raise unlike(reason=f"{len(names)} names and {target.classes} classes", case="class names")
    return targets | {keys[0]: target.replace(classes=len(names), names=tuple(map(str, names)))}
