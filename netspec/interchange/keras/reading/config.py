"""The configuration of a model as layers and their uses, the same for Keras 3 and 2, functional and sequential."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from netspec.interchange.keras.order import Use, layer_order
from netspec.interchange.keras.reading.problems import Damaged

MAX_DEPTH = 30
"""How deep models may be nested."""
MODELS = ("Functional", "Model", "Sequential")


@dataclass(frozen=True)
class Ref:
    """An output of a use of a layer."""

    layer: str
    use: int
    tensor: int


@dataclass(eq=False)
class Call:
    """A use of a layer: its arguments, in which a `Ref` stands for a tensor."""

    args: list[Any] = field(default_factory=list)
    kwargs: dict[str, Any] = field(default_factory=dict)

    @property
    def refs(self) -> list[Ref]:
        """All tensors that it takes, in the order of the arguments."""
        return list(_refs([self.args, list(self.kwargs.values())]))


@dataclass(eq=False)
class LayerSpec:
    """A layer: its class (`ops.Relu` for an operation that is not a layer), its options, its uses.

    `inner` is the model that it is, if it is one.
    """

    name: str
    kind: str
    config: dict[str, Any]
    calls: list[Call] = field(default_factory=list)
    inner: ModelSpec | None = None

    @property
    def is_layer(self) -> bool:
        return not self.kind.startswith("ops.")

    @property
    def title(self) -> str:
        """What messages call it."""
        return f"{self.name} ({self.kind.removeprefix('ops.')})"


@dataclass(eq=False)
class ModelSpec:
    """A model: its layers by name, its inputs, its outputs by name (an empty one where it has none)."""

    name: str
    layers: dict[str, LayerSpec]
    inputs: list[Ref]
    outputs: list[tuple[str, Ref]]
    is_sequential: bool = False

    def producer(self, ref: Ref) -> Ref:
        """The same tensor, of a use that there is: early versions of Keras count one that is not in the file."""
        layer = self.layers.get(ref.layer)
        if layer is None:
            raise Damaged(f"there is no layer `{ref.layer}`")
        most = max(len(layer.calls) - 1, 0)
        return Ref(ref.layer, min(max(ref.use, 0), most), max(ref.tensor, 0))

    def uses(self) -> list[Use]:
        """The uses of layers that the outputs need, in an order in which they can be computed.

        Raises:
            Damaged: they form a cycle.
        """
        done: dict[Use, None] = {}
        open_uses: set[Use] = set()
        stack = [(ref.layer, ref.use) for ref in map(self.producer, (ref for _, ref in reversed(self.outputs)))]
        while stack:
            use = stack[-1]
            if use in done:
                stack.pop()
                continue
            calls = self.layers[use[0]].calls
            refs = calls[use[1]].refs if calls else []
            missing = [(r.layer, r.use) for r in map(self.producer, refs) if (r.layer, r.use) not in done]
            if not missing:
                done[stack.pop()] = None
            elif use in open_uses:
                raise Damaged(f"the layers form a cycle at `{use[0]}`")
            else:
                open_uses.add(use)
                stack += reversed(missing)
        return list(done)

    @property
    def ordered(self) -> list[LayerSpec]:
        """The layers in the order in which Keras saves their weights."""
        if self.is_sequential:
            return [layer for layer in self.layers.values() if layer.kind != "InputLayer"]
        parents: dict[Use, list[Use]] = {}
        for name, index in self.uses():
            calls = self.layers[name].calls
            refs = [self.producer(ref) for ref in (calls[index].refs if calls else [])]
            parents[name, index] = [(ref.layer, ref.use) for ref in refs]
        ends = [self.producer(ref) for _, ref in self.outputs]
        order = layer_order([(ref.layer, ref.use) for ref in ends], parents)
        return [self.layers[name] for name in order if self.layers[name].is_layer]


def _refs(value: Any) -> Iterator[Ref]:
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _refs(item)
    elif isinstance(value, dict):
        yield from _refs(list(value.values()))


# ---------------------------------------------------------------- reading


def model_of(entry: Any, depth: int = 0) -> ModelSpec:
    """A model from its entry `{"class_name", "config"}`.

    Raises:
        Damaged: it is none.
    """
    if depth > MAX_DEPTH:
        raise Damaged(f"models are nested more than {MAX_DEPTH} deep")
    config = _dict(entry).get("config")
    kind = str(entry.get("class_name"))
    if isinstance(config, list):  # of Keras before 2.2
        config = {"layers": config}
    config = _dict(config)
    if not is_model(kind, config):
        reason = f"`{kind}` is a class of Python, whose layers are not in the file"
        advice = "build the model with the functional API or with `keras.Sequential`, and save it again"
        raise Damaged(reason, advice)
    name = str(config.get("name") or entry.get("name") or "model")
    entries = _list(config["layers"])
    if "input_layers" not in config:
        return _sequential(name, config, entry, entries, depth)
    layers: dict[str, LayerSpec] = {}
    names = {str(_dict(item).get("name") or _dict(item.get("config")).get("name")) for item in entries}
    for item in entries:
        layer = _layer(item, depth)
        layer.calls = [_call(node, names) for node in _list(item.get("inbound_nodes") or [])]
        if layers.setdefault(layer.name, layer) is not layer:
            raise Damaged(f"two layers are called `{layer.name}`")
    inputs = [ref for _, ref in _places(config["input_layers"])]
    model = ModelSpec(name, layers, inputs, _places(config.get("output_layers")))
    if not inputs or not model.outputs or any(ref.layer not in layers for ref in inputs):
        raise Damaged("the model has no inputs or no outputs")
    model.uses()
    return model


def is_model(kind: str, config: Mapping[str, Any]) -> bool:
    """Whether a layer is a model with its layers in the configuration."""
    is_known = kind in MODELS or "input_layers" in config
    return is_known and isinstance(config.get("layers"), list)


def layer_of(entry: Any, depth: int = 0) -> LayerSpec:
    """A layer inside another one, such as that of a wrapper."""
    return _layer(_dict(entry), depth)


def _layer(entry: Any, depth: int) -> LayerSpec:
    entry = _dict(entry)
    kind, config = entry.get("class_name"), entry.get("config")
    if not isinstance(kind, str):
        raise Damaged("a layer has no class")
    module = str(entry.get("module") or "")
    inner = None
    if isinstance(config, list) or is_model(kind, _dict(config)):
        inner = model_of(entry, depth + 1)
        config = {} if isinstance(config, list) else config
    config = _dict(config)
    name = str(entry.get("name") or config.get("name") or (inner.name if inner is not None else kind))
    return LayerSpec(name, f"ops.{kind}" if ".ops." in module else kind.rpartition(">")[2], config, inner=inner)


def _sequential(name: str, config: Any, entry: Any, entries: list[Any], depth: int) -> ModelSpec:
    """The layers of a sequential model, each of which takes what the one before it gives."""
    layers: dict[str, LayerSpec] = {}
    previous: Ref | None = None
    for item in entries:
        layer = _layer(item, depth)
        if layers.setdefault(layer.name, layer) is not layer:
            raise Damaged(f"two layers are called `{layer.name}`")
        if previous is None and layer.kind != "InputLayer":
            start = LayerSpec(f"{layer.name}_input", "InputLayer", _first_input(config, entry, layer))
            layers = {start.name: start, layer.name: layer}
            previous = Ref(start.name, 0, 0)
        if previous is not None:
            layer.calls = [Call([previous])]
        previous = Ref(layer.name, 0, 0)
    if previous is None:
        raise Damaged("the model has no layers")
    return ModelSpec(name, layers, [Ref(next(iter(layers)), 0, 0)], [("", previous)], is_sequential=True)


def _first_input(config: Any, entry: Any, first: LayerSpec) -> dict[str, Any]:
    """The input of a sequential model without an input layer, whose first layer or itself says its shape."""
    built = entry.get("build_config")
    own = first.config
    shapes = (
        own.get("batch_shape") or own.get("batch_input_shape"),
        config.get("build_input_shape"),
        _dict(built).get("input_shape") if built else None,
    )
    found = next((shape for shape in shapes if shape), None)
    if found is None and first.inner is not None:
        source = first.inner.layers[first.inner.inputs[0].layer].config
        found = source.get("batch_shape") or source.get("batch_input_shape")
    return {"batch_shape": found, "dtype": own.get("dtype")}


def _call(node: Any, names: set[str]) -> Call:
    if isinstance(node, dict):
        kwargs = {str(name): _argument(value) for name, value in _dict(node.get("kwargs") or {}).items()}
        return Call([_argument(value) for value in _list(node.get("args") or [])], kwargs)
    items = _list(node)
    if items and isinstance(items[0], str):
        items = [items]
    call = Call([[]])
    for item in items:
        name, use, tensor, *more = _list(item)
        call.args[0].append(Ref(str(name), _whole(use), _whole(tensor)))
        for key, value in _dict(more[0] if more else {}).items():
            is_place = isinstance(value, list) and len(value) == 3 and value[0] in names
            call.kwargs[str(key)] = Ref(value[0], _whole(value[1]), _whole(value[2])) if is_place else value
    return call


def _argument(value: Any) -> Any:
    """An argument in which tensors are a `Ref`."""
    if isinstance(value, list):
        return [_argument(item) for item in value]
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        name, use, tensor = _list(_dict(value.get("config")).get("keras_history"))
        return Ref(str(name), _whole(use), _whole(tensor))
    if isinstance(value, dict):
        return {key: _argument(item) for key, item in value.items()}
    return value


def _places(value: Any) -> list[tuple[str, Ref]]:
    """Inputs or outputs of a model: one, a list or a dictionary of them."""
    if isinstance(value, dict):
        return [(str(name), ref) for name, item in value.items() for _, ref in _places(item)]
    items = _list(value)
    if len(items) == 3 and isinstance(items[0], str):
        return [("", Ref(items[0], _whole(items[1]), _whole(items[2])))]
    return [place for item in items for place in _places(item)]


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Damaged("its configuration is not complete")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Damaged("its configuration is not complete")
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Damaged("its configuration is not complete")
    return value
