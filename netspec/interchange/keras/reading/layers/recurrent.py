"""Recurrent layers and their wrappers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from netspec.interchange.keras.reading.config import layer_of
from netspec.interchange.keras.reading.layers.activations import activation_of
from netspec.interchange.keras.reading.options import make
from netspec.interchange.keras.reading.problems import Damaged, Unreadable
from netspec.interchange.keras.reading.site import Site, Value
from netspec.interchange.keras.reading.table import READERS, reads
from netspec.interchange.keras.reading.training_options import of_kernel
from netspec.layers.activations import Linear
from netspec.layers.reshape import Reshape
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Gated, Gru, Lstm, Recurrent, SimpleRnn
from netspec.layers.sequence.steps import Last

KINDS: dict[str, type[Recurrent]] = {"SimpleRNN": SimpleRnn, "LSTM": Lstm, "GRU": Gru}
MERGES = {"concat": "concat", "sum": "add", "mul": "mul", "ave": "average"}
EACH_STEP = (
    *("Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "BatchNormalization", "Identity"),
    *("LayerNormalization", "RMSNormalization", "UnitNormalization", "Rescaling", "Flatten", "Reshape"),
)
"""Layers that compute the same for each step of a sequence as for the whole of it."""


@reads(*KINDS)
def recurrent(site: Site, x: Value, *states: Value) -> Any:
    _check(site, x, *states)
    if site.flag("go_backwards", False) and site.flag("return_sequences", False):
        raise Unreadable("with `go_backwards` and `return_sequences` it returns the steps in reverse order")
    layer = _layer(site)
    step = site.add(type(layer), x.step, weights=_cell(site, "cell"), **_fields(layer))
    if not site.flag("return_state", False):
        return replace(x, step=step)
    state = step if layer.return_ == "last" else site.add(Last, step, name="")
    cell = replace(x, reason="netspec does not return the cell state of an lstm")
    return [replace(x, step=step), Value(state), cell]


@reads("RNN")
def of_cell(site: Site, x: Value, *states: Value) -> Any:
    cell = site.get("cell")
    kind = str(cell.get("class_name", "")).removesuffix("Cell") if isinstance(cell, dict) else ""
    if kind not in KINDS or not isinstance(cell, dict) or not isinstance(cell.get("config"), dict):
        raise Unreadable("netspec has the cells `SimpleRNNCell`, `LSTMCell` and `GRUCell`, one for each layer")
    config = {**site.layer.config, **{k: v for k, v in cell["config"].items() if k not in ("name", "trainable")}}
    return recurrent(replace(site, layer=_spec(site, kind, config)), x, *states)


def _spec(site: Site, kind: str, config: dict[str, Any]) -> Any:
    made = layer_of({"class_name": kind, "config": config})
    made.name = site.layer.name
    return made


def _check(site: Site, x: Value, *states: Value) -> None:
    """Whether the layer is called as netspec calls one.

    Raises:
        Unreadable: it is not.
    """
    if site.flag("stateful", False):
        raise Unreadable("it keeps its state from one batch to the next", "build the model with `stateful=False`")
    if site.flag("time_major", False):
        raise Unreadable("it takes time steps before examples", "build the model with `time_major=False`")
    if states or site.kwargs.get("initial_state") is not None:
        raise Unreadable("it begins with a state that is given; those of netspec begin with zeros")
    if x.is_unmasked:
        raise Unreadable("a layer before it has dropped the mask of padded steps, which netspec keeps")


def _layer(site: Site) -> Recurrent:
    """The layer of netspec with the same options."""
    kind = KINDS[site.layer.kind]
    options: dict[str, Any] = {
        "units": site.get("units", site.get("output_dim")),
        "activation": activation_of(site, site.get("activation", "tanh")) or Linear(),
        "return_": "sequence" if site.flag("return_sequences", False) else "last",
        "reverse": site.flag("go_backwards", False),
        "dropout": site.number("dropout", 0.0),
        "recurrent_dropout": site.number("recurrent_dropout", 0.0),
        "bias": site.flag("use_bias"),
        **of_kernel(site),
    }
    if issubclass(kind, Gated):
        options["recurrent_activation"] = activation_of(site, site.get("recurrent_activation", "sigmoid")) or Linear()
    if kind is Gru:
        options["reset_after"] = site.flag("reset_after")
    if kind is Lstm and not site.flag("unit_forget_bias") and options["bias"]:
        options["forget_bias"] = 0.0
    made: Recurrent = make(kind, **options)
    return made


def _fields(layer: Recurrent) -> dict[str, Any]:
    """The options that differ from the defaults; those of choices as they are typed."""
    return {item.field: getattr(layer, item.field) for item in layer.options() if item.name != "name"}


def _cell(site: Site, path: str, prefix: str = "") -> dict[str, Any]:
    names = ("kernel", "recurrent_kernel", "bias")
    return {f"{prefix}{name}": site.array(f"{path}/vars/{index}") for index, name in enumerate(names)}


@reads("Bidirectional")
def bidirectional(site: Site, x: Value, *states: Value) -> Value:
    _check(site, x, *states)
    inner = layer_of(site.get("layer"))
    if inner.kind not in KINDS:
        raise Unreadable(f"its layer is a `{inner.kind}`")
    mode = site.get("merge_mode")
    if mode not in MERGES:
        raise Unreadable("it returns the outputs of the two directions apart", "use a `merge_mode`")
    own = replace(site, layer=inner)
    if own.flag("go_backwards", False):
        raise Unreadable("its forward layer goes backwards")
    if own.flag("return_state", False):
        raise Unreadable("it returns its states")
    _check(own, x)
    layer = _layer(own)
    back = site.get("backward_layer")
    if back is not None:
        other = _layer(replace(site, layer=layer_of(back)))
        if other.replace(reverse=False) != layer:
            raise Unreadable("its backward layer has other options than its forward layer")
    weights = {**_cell(site, "forward_layer/cell", "forward."), **_cell(site, "backward_layer/cell", "backward.")}
    return replace(x, step=site.add(Bidirectional, x.step, weights=weights, layer=layer, merge=MERGES[mode]))


@reads("TimeDistributed")
def time_distributed(site: Site, x: Value) -> Any:
    inner = layer_of(site.get("layer"))
    if inner.inner is not None or inner.kind not in EACH_STEP:
        raise Unreadable(f"netspec has no `{inner.kind}` for each step of a sequence")
    inner.name = site.layer.name
    arrays = {path.removeprefix("layer/"): array for path, array in site.arrays.items()}
    if inner.kind in ("Flatten", "Reshape"):
        return _each_reshaped(site, x, inner.config.get("target_shape") if inner.kind == "Reshape" else [-1])
    own = replace(site, layer=inner, arrays=arrays)
    return READERS[inner.kind](own, x)


def _each_reshaped(site: Site, x: Value, target: Any) -> Value:
    """The sizes of each step changed, with the steps as they are."""
    step = site.plain(x)
    if not step.shape.is_known or not isinstance(target, list):
        raise Unreadable(f"it takes {step.shape}, whose sizes are not known")
    steps, *rest = (int(str(size)) for size in step.shape.sizes)
    count = 1
    for size in rest:
        count *= size
    sizes = tuple(count if size == -1 and len(target) == 1 else size for size in target)
    if not all(isinstance(size, int) for size in sizes):
        raise Damaged(f"the layer `{site.layer.title}` has no sizes")
    return Value(site.add(Reshape, step, shape=(steps, *sizes)))
