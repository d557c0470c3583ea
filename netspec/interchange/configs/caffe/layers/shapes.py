"""Dense layers, and what changes the axes."""

from __future__ import annotations

from math import prod

from netspec.interchange.configs.caffe.layers.table import Site, reads
from netspec.interchange.reading.channels_first.values import Value


@reads("InnerProduct")
def inner_product(site: Site) -> Value:
    """A dense layer of all axes from `axis` on."""
    options = site.options("inner_product_param")
    x = site.builder.flatten(site.x, site.axis(options))
    units = options.integer("num_output", 0, low=1)
    if not units:
        raise options.file.bad(f"layer `{site.layer.name}` has no `num_output`", "", options.span)
    if x.is_lost:
        return x
    features = x.size(-1)
    has_bias = options.flag("bias_term", True)
    if not isinstance(features, int):
        return site.lost("its number of inputs is not known")
    is_transposed = options.flag("transpose", False)
    weight = site.blob(0, (features, units) if is_transposed else (units, features), "kernel")
    if weight is not None and not is_transposed:
        weight = weight.T
    bias = site.blob(1, (units,), "bias") if has_bias else None
    return site.builder.dense(x, weight=weight, units=units, bias=bias, has_bias=has_bias)


@reads("Flatten")
def flatten(site: Site) -> Value:
    """Joins the axes from `axis` to `end_axis`."""
    options = site.options("flatten_param")
    end = options.integer("end_axis", -1, low=-32)
    if end not in (-1, site.x.rank - 1):
        return site.lost("it does not join the axes up to the last one")
    return site.builder.flatten(site.x, site.axis(options))


@reads("Reshape")
def reshape(site: Site) -> Value:
    """New sizes, where 0 is the old one, and -1 what is left."""
    options, x = site.options("reshape_param"), site.x
    given = options.message("shape").integers("dim", -1)
    if options.integer("axis", 0, low=-32) != 0 or options.integer("num_axes", -1, low=-1) != -1:
        return site.lost("it reshapes some axes only", "give the sizes of all")
    if not given or given[0] not in (0, 1, -1) or given.count(-1) > 1:
        return site.lost("it changes the number of examples")
    old = site.sizes
    sizes = [old[i] if size == 0 and i < len(old) else size for i, size in enumerate(given[1:])]
    total, known = prod(old), prod(size for size in sizes if size > 0)
    if 0 in sizes or total % known or (-1 not in sizes and known != total):
        return site.lost(f"{' x '.join(map(str, old))} numbers do not fit the shape {given}")
    return site.builder.reshape(x, [total // known if size == -1 else size for size in sizes])


@reads("Permute")
def permute(site: Site) -> Value:
    """The axes in another order."""
    order = site.options("permute_param").integers("order")
    if order[:1] != [0] or sorted(order) != list(range(site.x.rank)):
        return site.lost(f"`order` has to name all {site.x.rank} axes, the examples first")
    return site.builder.transpose(site.x, order)


@reads("ShuffleChannel")
def shuffle_channel(site: Site) -> Value:
    """The channels as a table of `group` rows, read by columns."""
    x, groups = site.x, site.options("shuffle_channel_param").integer("group", 1, low=1)
    channels, *space = site.sizes
    if channels % groups:
        return site.lost(f"{channels} channels are not divisible by {groups} groups")
    split = site.builder.reshape(x, [groups, channels // groups, *space])
    if split.is_lost:
        return split
    mixed = site.builder.transpose(split, [0, 2, 1, *range(3, split.rank)])
    return site.builder.reshape(mixed, [channels, *space])
