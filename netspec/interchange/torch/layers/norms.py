"""Normalization."""

from __future__ import annotations

from netspec.data.dataset.lazy_rows import Array
from netspec.interchange.errors import Unsupported
from netspec.interchange.torch.table import (
    Site,
    Tensor,
    channel_axis,
    from_last,
    last,
    options,
    turned,
    unless,
    writes,
)
from netspec.language.lazy import np
from netspec.layers.base import known
from netspec.layers.norm import (
    BatchNorm,
    Centering,
    GroupNorm,
    InstanceNorm,
    L2Norm,
    LayerNorm,
    LocalResponseNorm,
    RMSNorm,
)


def _affine(site: Site, layer: Centering, count: int) -> dict[str, Array]:
    """Scale and offset of each channel; one that is missing is 1 or 0, as PyTorch has both or none."""
    if not layer.scale and not layer.offset:
        return {}
    return {
        "weight": site.numbers("scale") if layer.scale else np.ones(count, np.float32),
        "bias": site.numbers("bias") if layer.offset else np.zeros(count, np.float32),
    }


@writes(BatchNorm)
def batch_norm(site: Site, layer: BatchNorm, x: Tensor) -> str:
    name, shape = x
    count = known(layer, shape.channels, shape)
    arrays = _affine(site, layer, count)
    # netspec keeps `momentum` of the old statistics, PyTorch takes it of the new ones
    more = options(
        eps=unless(layer.epsilon, 1e-5),
        momentum=unless(round(1 - layer.momentum, 12), 0.1),
        affine=None if arrays else False,
    )
    state = {
        "running_mean": site.numbers("mean"),
        "running_var": site.numbers("var"),
        "num_batches_tracked": np.zeros((), np.int64),
    }
    constructor = f"nn.BatchNorm{max(shape.rank - 1, 1)}d({count}{more})"
    y = f"{site.add(constructor, {**arrays, **state})}({turned(name, shape.rank)})"
    return turned(y, shape.rank)


@writes(LayerNorm)
def layer_norm(site: Site, layer: LayerNorm, x: Tensor) -> str:
    name, shape = x
    count = known(layer, shape.channels, shape)
    arrays = _affine(site, layer, count)
    more = options(eps=unless(layer.epsilon, 1e-5), elementwise_affine=None if arrays else False)
    y = f"{site.add(f'nn.LayerNorm({count}{more})', arrays)}({last(name, shape.rank)})"
    return from_last(y, shape.rank)


@writes(RMSNorm)
def rms_norm(site: Site, layer: RMSNorm, x: Tensor) -> str:
    name, shape = x
    count = known(layer, shape.channels, shape)
    arrays = {"weight": site.numbers("scale")} if layer.scale else {}
    more = options(eps=layer.epsilon, elementwise_affine=None if arrays else False)
    return from_last(f"{site.add(f'nn.RMSNorm({count}{more})', arrays)}({last(name, shape.rank)})", shape.rank)


@writes(GroupNorm, InstanceNorm)
def group_norm(site: Site, layer: GroupNorm | InstanceNorm, x: Tensor) -> str:
    """An instance norm is a group norm with a group for each channel."""
    if site.mask is not None:
        raise Unsupported(f"`{layer.word}` of padded steps")
    name, shape = x
    count = known(layer, shape.channels, shape)
    arrays = _affine(site, layer, count)
    groups = layer.groups if isinstance(layer, GroupNorm) else count
    more = options(eps=unless(layer.epsilon, 1e-5), affine=None if arrays else False)
    y = f"{site.add(f'nn.GroupNorm({groups}, {count}{more})', arrays)}({turned(name, shape.rank)})"
    return turned(y, shape.rank)


@writes(LocalResponseNorm)
def local_response_norm(site: Site, layer: LocalResponseNorm, x: Tensor) -> str:
    name, shape = x
    alpha = layer.alpha if layer.divide else layer.alpha * layer.size  # PyTorch divides it by the size
    arguments = f"{layer.size}, alpha={alpha!r}, beta={layer.beta!r}, k={layer.k!r}"
    source = f"{name}[:, :, None]" if shape.rank == 1 else turned(name, shape.rank)
    y = f"F.local_response_norm({source}, {arguments})"
    return f"{y}[:, :, 0]" if shape.rank == 1 else turned(y, shape.rank)


@writes(L2Norm)
def l2_norm(site: Site, layer: L2Norm, x: Tensor) -> str:
    return f"F.normalize({x[0]}, dim={channel_axis(x[1].rank)}{options(eps=unless(layer.epsilon, 1e-12))})"
