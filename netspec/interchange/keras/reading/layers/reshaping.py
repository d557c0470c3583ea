"""Layers that move numbers."""

from __future__ import annotations

from math import prod
from typing import Any

from netspec.interchange.keras.reading.problems import Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import reads
from netspec.interchange.reading.sketch import Step
from netspec.layers.reshape import Flatten, Reshape
from netspec.layers.spatial.pool import GlobalPool
from netspec.layers.spatial.resize import Upsample


@reads("Flatten")
def flatten(site: Site, x: Value) -> Value:
    step = site.spatial(x)
    return Value(step if x.rank == 1 else site.add(Flatten, step))


@reads("Reshape")
def reshape(site: Site, x: Value) -> Value:
    return reshaped(site, x, site.get("target_shape"))


def reshaped(site: Site, x: Value, target: Any) -> Value:
    """The value with other sizes, of which one may be -1."""
    step = site.plain(x)
    if not isinstance(target, list) or any(not isinstance(size, int) for size in target) or target.count(-1) > 1:
        raise Unreadable(f"its new sizes are {target}")
    if not step.shape.is_known:
        if target == [-1]:
            return Value(site.add(Flatten, step))
        raise Unreadable(f"it takes {step.shape}, whose sizes are not known", "give the input fixed sizes")
    count = prod(int(str(size)) for size in step.shape.sizes)
    known = prod(size for size in target if size != -1)
    sizes = tuple((count // known if known else 0) if size == -1 else size for size in target)
    if sizes == step.shape.sizes:
        return Value(step)
    pool = step.layer
    if isinstance(pool, GlobalPool) and not pool.keep and sizes == (*(1,) * (len(step.inputs[0].shape.space)), count):
        return Value(site.add(type(pool), step.inputs[0], keep=True, name=step.name))
    return Value(site.add(Reshape, step, shape=sizes))


@reads("Permute")
def permute(site: Site, x: Value) -> Value:
    return Value(site.permuted(site.plain(x), _order(site.get("dims"), x.rank)))


def _order(dims: Any, rank: int) -> list[int]:
    if not isinstance(dims, list) or sorted(str(axis) for axis in dims) != [str(n) for n in range(1, rank + 1)]:
        raise Unreadable(f"its axes are {dims}")
    return dims


@reads("RepeatVector")
def repeat_vector(site: Site, x: Value) -> Value:
    if x.rank != 1 or not isinstance(x.step.shape.channels, int):
        raise Unreadable(f"it takes {x.step.shape}")
    once: Step = site.add(Reshape, x.step, shape=(1, x.step.shape.channels), name="")
    return Value(site.add(Upsample, once, factor=site.get("n")))
