"""Which arrays of a file are the weights of which layer.

Keras 3 saves them by paths such as `layers/conv2d_1/vars/0`, with the class of the layer and its order; the names of
the layers are beside them in recent files. Earlier versions save lists by the names of the layers, trained weights
first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.interchange.keras.reading.config import LayerSpec, ModelSpec, layer_of
from netspec.interchange.keras.reading.files import Group
from netspec.interchange.keras.reading.problems import Damaged
from netspec.interchange.keras.writer import snake_case

Arrays = dict[str, Any]
"""The weights of a layer by the path that Keras 3 gives them: `vars/0`, `cell/vars/1`."""

ATTENTION = ("query_dense", "key_dense", "value_dense", "output_dense")
GROUPED = ("_query_dense", "_key_dense", "_value_dense", "_output_dense")
GROUPED_KINDS = ("GroupedQueryAttention", "GroupQueryAttention")
"""The class, and its name in files."""
ONE_KERNEL = {
    *("Conv1D", "Conv2D", "Conv3D", "Convolution1D", "Convolution2D", "Convolution3D", "Dense"),
    *("Conv1DTranspose", "Conv2DTranspose", "Conv3DTranspose", "DepthwiseConv1D", "DepthwiseConv2D"),
    *("Deconvolution2D", "Convolution2DTranspose"),
}
TWO_KERNELS = {"SeparableConv1D", "SeparableConv2D", "SeparableConvolution1D", "SeparableConvolution2D"}
RECURRENT = {"LSTM", "GRU", "SimpleRNN", "RNN", "CuDNNLSTM", "CuDNNGRU"}
ONE_ARRAY = {"Embedding", "PReLU", "RMSNormalization", "LayerScale"}


def weights_of(model: ModelSpec, root: Group) -> dict[LayerSpec, Arrays]:
    """The weights of each layer that has some.

    Raises:
        Damaged: they are not those of the model.
    """
    inside = root.group("model_weights") or root
    if inside.attribute("layer_names") is not None:
        return _by_lists(model, inside)
    return _by_paths(model, root)


# ---------------------------------------------------------------- Keras 3


def _by_paths(model: ModelSpec, root: Group) -> dict[LayerSpec, Arrays]:
    layers = root.group("layers") or root.group("_layer_checkpoint_dependencies")
    if layers is None:
        return {}
    named = {name: group for group in map(layers.group, layers.names()) if group and (name := _name(group))}
    found: dict[LayerSpec, Arrays] = {}
    counts: dict[str, int] = {}
    for layer in model.ordered:
        kind = snake_case(_class(layer))
        count = counts[kind] = counts.get(kind, -1) + 1
        own = named.get(layer.name) or layers.group(f"{kind}_{count}" if count else kind)
        if own is None:
            continue
        if layer.inner is not None:
            found |= _by_paths(layer.inner, own)
        else:
            found[layer] = {path: array for path in paths(layer) if (array := own.array(path)) is not None}
    return found


def _name(group: Group) -> str:
    """The name of the layer, which recent files have; empty otherwise."""
    own = group.group("vars")
    found = own.attribute("name") if own is not None else None
    return found if isinstance(found, str) else ""


def _class(layer: LayerSpec) -> str:
    if layer.kind in GROUPED_KINDS:
        return GROUPED_KINDS[0]
    return layer.kind if layer.inner is None or layer.kind != "Model" else "Functional"


# ---------------------------------------------------------------- Keras 2, and .h5 of Keras 3


def _by_lists(model: ModelSpec, root: Group) -> dict[LayerSpec, Arrays]:
    names = root.attribute("layer_names")
    lists: dict[str, list[str]] = {}
    for name in names if isinstance(names, list) else []:
        group = root.group(str(name))
        found = group.attribute("weight_names") if group is not None else None
        if isinstance(found, list) and found:
            lists[str(name)] = [str(item) for item in found]
    with_weights = [layer for layer in model.ordered if _slots(layer, is_trained=True) or _slots(layer, False)]
    if not {layer.name for layer in with_weights} >= lists.keys():
        if len(with_weights) != len(lists):
            raise Damaged(f"it has weights for {len(lists)} layers, and the model has {len(with_weights)} with weights")
        pairs = list(zip(with_weights, lists, strict=True))
    else:
        pairs = [(layer, layer.name) for layer in with_weights if layer.name in lists]
    arrays: dict[LayerSpec, Arrays] = {}
    for layer, name in pairs:
        group = root.group(name)
        assert group is not None
        slots = [*_slots(layer, is_trained=True), *_slots(layer, is_trained=False)]
        if len(slots) != len(lists[name]):
            reason = f"the layer `{layer.title}` has {len(lists[name])} weights in the file, where {len(slots)} are due"
            raise Damaged(reason)
        for (owner, path), weight in zip(slots, lists[name], strict=True):
            array = group.array(weight)
            if array is None:
                raise Damaged(f"the weights `{weight}` are missing")
            arrays.setdefault(owner, {})[path] = array
    return arrays


def _slots(layer: LayerSpec, is_trained: bool) -> list[tuple[LayerSpec, str]]:
    """The weights of a layer, or of all layers of a model, in the order of the lists."""
    if layer.inner is not None:
        is_frozen = layer.config.get("trainable") is False
        if is_frozen:  # nothing in it is trained
            both = [(_slots(inner, True) + _slots(inner, False)) for inner in layer.inner.ordered]
            return [] if is_trained else [slot for slots in both for slot in slots]
        return [slot for inner in layer.inner.ordered for slot in _slots(inner, is_trained)]
    is_frozen = layer.config.get("trainable") is False
    state = state_count(layer)
    found = paths(layer)
    trained = found[: len(found) - state]
    if is_frozen:
        return [] if is_trained else [(layer, path) for path in found]
    return [(layer, path) for path in (trained if is_trained else found[len(trained) :])]


# ---------------------------------------------------------------- the weights of each class


def state_count(layer: LayerSpec) -> int:
    """How many of its weights, the last ones, are not trained."""
    if layer.kind == "BatchNormalization":
        return 2
    return 3 if layer.kind == "Normalization" else 0


def paths(layer: LayerSpec) -> list[str]:
    """The paths of the weights of a layer, in the order in which Keras makes them."""
    kind, config = layer.kind, layer.config
    bias = config.get("use_bias", True) is not False
    if kind in ONE_KERNEL:
        return _vars(1 + bias)
    if kind in TWO_KERNELS:
        return _vars(2 + bias)
    if kind in ONE_ARRAY:
        return _vars(1)
    if kind in RECURRENT:
        cell = config.get("cell")
        inner = cell.get("config", {}) if isinstance(cell, dict) else config
        return [f"cell/{path}" for path in _vars(2 + (inner.get("use_bias", True) is not False))]
    if kind in ("BatchNormalization", "LayerNormalization", "GroupNormalization"):
        trained = sum(_has(config, name) for name in ("scale", "center"))
        return _vars(trained + (2 if kind == "BatchNormalization" else 0))
    if kind == "Normalization":
        return [] if config.get("mean") is not None else _vars(3)
    if kind in ("MultiHeadAttention", *GROUPED_KINDS):
        parts = ATTENTION if kind == "MultiHeadAttention" else GROUPED
        return [f"{part}/{path}" for part in parts for path in _vars(1 + bias)]
    return _wrapped(kind, config)


def _wrapped(kind: str, config: Mapping[str, Any]) -> list[str]:
    if kind == "Bidirectional" and isinstance(config.get("layer"), dict):
        inner = paths(layer_of(config["layer"]))
        return [f"{way}/{path}" for way in ("forward_layer", "backward_layer") for path in inner]
    if kind == "TimeDistributed" and isinstance(config.get("layer"), dict):
        return [f"layer/{path}" for path in paths(layer_of(config["layer"]))]
    return []


def _has(config: Mapping[str, Any], name: str) -> bool:
    return config.get(name, True) is not False


def _vars(count: int) -> list[str]:
    return [f"vars/{index}" for index in range(count)]
