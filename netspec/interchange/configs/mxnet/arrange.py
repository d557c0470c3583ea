"""Operators of MXNet that arrange axes and positions in another way, or reduce them."""

from __future__ import annotations

from collections.abc import Callable

from netspec.interchange.configs.mxnet.site import Site
from netspec.interchange.reading.channels_first.layout import CannotSay
from netspec.interchange.reading.channels_first.values import Value


def flattened(site: Site) -> Value:
    return site.builder.flatten(site.x) if site.x.rank > 2 else site.x


def reshaped(site: Site) -> Value:
    own, x = site.attributes, site.x
    shape = own.integers("shape") or own.integers("target_shape")
    if own.flag("reverse", False) or not shape:
        raise CannotSay("it has no `shape`, or reads it from the end")
    return site.builder.reshape(x, _new_sizes(x, list(shape)))


def _new_sizes(x: Value, shape: list[int]) -> list[int]:
    """The sizes without the batch, where MXNet has codes for sizes of the input."""
    old: list[int] = [0, *(size if isinstance(size, int) else -1 for size in x.sizes)]  # 0: the batch
    if -1 in old:
        raise CannotSay("the size of its input is not known")
    new: list[int] = []
    place = 0
    codes = iter(shape)
    for code in codes:
        if code in (0, -2, -3, -4) and place >= len(old):
            raise CannotSay("its `shape` has more sizes than its input")
        if code == 0:
            new.append(old[place])
            place += 1
        elif code == -2:
            new += old[place:]
            place = len(old)
        elif code == -3:
            if place + 1 >= len(old) or place == 0:
                raise CannotSay("it joins the batch with another axis")
            new.append(old[place] * old[place + 1])
            place += 2
        elif code == -4:
            new += _split(old[place], next(codes, 0), next(codes, 0))
            place += 1
        elif code >= -1:
            new.append(code)
            place += 1
        else:
            raise CannotSay(f"its `shape` has the code {code}, which is not known")
    first, *rest = new
    if (first == -1 and -1 not in rest) or first == 0:
        return rest
    raise CannotSay("it joins examples, or splits them")


def _split(size: int, first: int, second: int) -> list[int]:
    if first == -1 and second > 0:
        first = size // second
    elif second == -1 and first > 0:
        second = size // first
    if size == 0 or first < 1 or first * second != size:
        raise CannotSay(f"it splits {size} into {first} and {second}")
    return [first, second]


def transposed(site: Site) -> Value:
    order = site.attributes.integers("axes") or tuple(reversed(range(site.x.rank)))
    return site.builder.transpose(site.x, order)


def swapped(site: Site) -> Value:
    first, second = (_axis(site.x, site.attributes.integer(name, 0)) for name in ("dim1", "dim2"))
    order = list(range(site.x.rank))
    order[first], order[second] = second, first
    return site.builder.transpose(site.x, order)


def expanded(site: Site) -> Value:
    axis = site.attributes.integer("axis", 1) % (site.x.rank + 1)
    if axis == 0:
        raise CannotSay("its new axis is before the batch")
    return site.builder.unsqueeze(site.x, [axis])


def squeezed(site: Site) -> Value:
    axes = site.attributes.integers("axis")
    return site.builder.squeeze(site.x, [_axis(site.x, axis) for axis in axes] or None)


def _axis(x: Value, axis: int) -> int:
    if not -x.rank <= axis < x.rank:
        raise CannotSay(f"its axis {axis} is not one of its {x.rank} axes")
    return axis % x.rank


def _reduced_axes(site: Site) -> list[int]:
    own, x = site.attributes, site.x
    axes = [_axis(x, axis) for axis in own.integers("axis")]
    if own.flag("exclude", False):
        axes = [axis for axis in range(x.rank) if axis not in axes]
    if not axes or 0 in axes:
        raise CannotSay("it reduces the batch, too")
    return axes


def mean(site: Site) -> Value:
    return site.builder.mean(site.x, _reduced_axes(site), site.attributes.flag("keepdims", False))


def maximum(site: Site) -> Value:
    return site.builder.maximum_along(site.x, _reduced_axes(site), site.attributes.flag("keepdims", False))


def total(site: Site) -> Value:
    """A sum is the mean times the number of positions."""
    axes, count = _reduced_axes(site), 1
    for axis in axes:
        size = site.x.size(axis)
        if not isinstance(size, int):
            raise CannotSay("the size of its input is not known")
        count *= size
    y = site.builder.mean(site.x, axes, site.attributes.flag("keepdims", False))
    return site.builder.scale(y, float(count))


def sliced_axis(site: Site) -> Value:
    own = site.attributes
    axis = _axis(site.x, own.integer("axis", 1))
    if axis == 0:
        raise CannotSay("it slices the batch")
    return site.builder.slice(site.x, axis, own.integer("begin", 0), own.integer("end", 2**31 - 1))


def split(site: Site) -> list[Value]:
    """Parts of equal size."""
    own, x = site.attributes, site.x
    count, axis = own.integer("num_outputs", 1), _axis(x, own.integer("axis", 1))
    size = x.size(axis) if axis else 0
    if not isinstance(size, int) or not 1 <= count <= 1_000 or size < 1 or size % count:
        raise CannotSay(f"it makes {count} parts of {size} positions")
    step = size // count
    parts = [site.builder.slice(x, axis, index * step, (index + 1) * step) for index in range(count)]
    return [site.builder.squeeze(part, [axis]) for part in parts] if own.flag("squeeze_axis", False) else parts


ARRANGE: dict[str, Callable[[Site], Value | list[Value]]] = {
    **dict.fromkeys(("Flatten", "flatten"), flattened),
    **dict.fromkeys(("Reshape", "reshape"), reshaped),
    "transpose": transposed,
    **dict.fromkeys(("SwapAxis", "swapaxes"), swapped),
    "expand_dims": expanded,
    "squeeze": squeezed,
    "mean": mean,
    "max": maximum,
    "sum": total,
    "slice_axis": sliced_axis,
    **dict.fromkeys(("SliceChannel", "split"), split),
}
