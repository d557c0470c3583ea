"""The options of a layer that matter for training: penalties, initializers, whether it is frozen."""

from __future__ import annotations

from typing import Any

from netspec.interchange.keras.reading.options import UnknownInitializer, initializer, penalties
from netspec.interchange.keras.reading.site import Site

LEFT_OUT = (
    "bias_regularizer",
    "activity_regularizer",
    "beta_regularizer",
    "gamma_regularizer",
    "recurrent_regularizer",
)
CONSTRAINTS = ("kernel", "bias", "depthwise", "pointwise", "embeddings", "recurrent", "beta", "gamma", "alpha")


def frozen(site: Site) -> dict[str, Any]:
    """The option `frozen`; what netspec has nothing for is noted."""
    for name in LEFT_OUT:
        if site.get(name) is not None:
            site.note(name, "penalties are for kernels")
    for part in CONSTRAINTS:
        if site.get(f"{part}_constraint") is not None:
            site.note(f"{part}_constraint", "netspec has no constraints of weights")
    return {"frozen": True} if site.get("trainable", True) is False else {}


def of_kernel(site: Site, part: str = "kernel", *, has_bias: bool = True) -> dict[str, Any]:
    """The options of a layer with a kernel (or `depthwise`, `pointwise`, `embeddings`) and a bias."""
    found = frozen(site)
    init = _initializer(site, f"{part}_initializer")
    if init is not None:
        found["init"] = init
    if has_bias and site.flag("use_bias"):
        bias = _initializer(site, "bias_initializer")
        if bias is not None and not bias.needs_fans:
            found["bias_init"] = bias
    found |= penalty(site, f"{part}_regularizer")
    return found


def penalty(site: Site, name: str) -> dict[str, float]:
    """The options `l1` and `l2`."""
    given = penalties(site.get(name))
    if given is None:
        site.note(name, "the penalties of netspec are `l1` and `l2`")
    return given or {}


def _initializer(site: Site, name: str) -> Any:
    try:
        return initializer(site.get(name))
    except UnknownInitializer as unknown:
        if not site.is_weighted:
            site.note(name, f"netspec has no initializer like {unknown}", "it sets the weights before the training")
        return None
