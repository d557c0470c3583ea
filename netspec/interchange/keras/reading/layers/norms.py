"""Normalization layers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netspec.interchange.keras.reading.problems import Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import reads
from netspec.interchange.keras.reading.training_options import frozen
from netspec.layers.norm import BatchNorm, GroupNorm, InstanceNorm, L2Norm, LayerNorm, RMSNorm


def _affine(site: Site) -> tuple[dict[str, Any], list[str]]:
    """The options for scale and offset, and the names of the weights in the order of Keras."""
    scale, offset = site.flag("scale"), site.flag("center")
    for name, usual in (("gamma_initializer", "Ones"), ("beta_initializer", "Zeros")):
        given = site.get(name, usual)
        kind = given.get("class_name") if isinstance(given, dict) else given
        if str(kind).lower() not in (usual.lower(), usual.lower()[:-1]):
            site.note(name, "norms of netspec begin with scale 1 and offset 0")
    names = [name for name, has in (("scale", scale), ("bias", offset)) if has]
    return {"scale": scale, "offset": offset, **frozen(site)}, names


def _arrays(site: Site, names: list[str]) -> dict[str, Any]:
    return {name: site.array(f"vars/{index}") for index, name in enumerate(names)}


@reads("BatchNormalization", "SyncBatchNormalization", "BatchNormalizationV1", "BatchNormalizationV2")
def batch_norm(site: Site, x: Value) -> Value:
    moved = site.on_axis(x, site.get("axis", -1))
    if site.flag("renorm", False):
        site.note("renorm", "netspec has no batch renormalization; predictions are the same")
    options, names = _affine(site)
    numbers = {"epsilon": site.number("epsilon", 1e-3), "momentum": site.number("momentum", 0.99)}
    weights = _arrays(site, [*names, "mean", "var"])
    return replace(moved, step=site.add(BatchNorm, moved.step, weights=weights, **options, **numbers))


@reads("LayerNormalization")
def layer_norm(site: Site, x: Value) -> Value:
    if site.flag("rms_scaling", False):
        raise Unreadable("`rms_scaling` subtracts no mean and divides by the variance around it")
    moved = site.on_axis(x, site.get("axis", -1))
    options, names = _affine(site)
    epsilon = site.number("epsilon", 1e-3)
    step = site.add(LayerNorm, moved.step, weights=_arrays(site, names), epsilon=epsilon, **options)
    return replace(moved, step=step)


@reads("GroupNormalization")
def group_norm(site: Site, x: Value) -> Value:
    moved = site.on_axis(x, site.get("axis", -1))
    options, names = _affine(site)
    options["epsilon"] = site.number("epsilon", 1e-3)
    groups, weights = site.get("groups", 32), _arrays(site, names)
    if groups == -1 or (groups == moved.step.shape.channels and x.rank > 1):
        return replace(moved, step=site.add(InstanceNorm, moved.step, weights=weights, **options))
    return replace(moved, step=site.add(GroupNorm, moved.step, weights=weights, groups=groups, **options))


@reads("RMSNormalization")
def rms_norm(site: Site, x: Value) -> Value:
    moved = site.on_axis(x, site.get("axis", -1))
    epsilon, weights = site.number("epsilon", 1e-6), {"scale": site.array("vars/0")}
    return replace(moved, step=site.add(RMSNorm, moved.step, weights=weights, epsilon=epsilon, **frozen(site)))


@reads("UnitNormalization")
def unit_norm(site: Site, x: Value) -> Value:
    moved = site.on_axis(x, site.get("axis", -1))
    return replace(moved, step=site.add(L2Norm, moved.step))
