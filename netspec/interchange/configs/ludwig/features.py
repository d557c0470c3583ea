"""The input features of a configuration: columns of a table, texts, images and series, each with its encoder.

Numbers, categories and the like are one vector, as netspec reads them from a table: a category is one-hot there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from netspec.data.dataset.dataset import Facts
from netspec.interchange.configs.input_files import identifier
from netspec.interchange.configs.ludwig.encoders import SEQUENCE, VECTOR, Encoder, encode
from netspec.interchange.configs.ludwig.images import IMAGE
from netspec.interchange.configs.ludwig.section import Reading, Section
from netspec.interchange.configs.ludwig.table import Column, Table, can_be_quoted
from netspec.interchange.configs.ludwig.yaml_tree import Value
from netspec.interchange.reading.sketch import Step
from netspec.language.shape import Shape
from netspec.language.values import to_source

OLD_TYPES = {"numerical": "number", "float": "number", "int": "number", "bool": "binary"}
JOINT = ("number", "binary", "category", "date", "set")
"""Types whose features are numbers of one vector."""
OTHERS = ("text", "sequence", "timeseries", "vector", "image")
SPECIAL_TOKENS = 4
"""The ids of the end, the start, padding and unknown words, before those of words."""
OWN_KEYS = (
    *("name", "type", "column", "proc_column", "preprocessing", "encoder", "decoder", "loss", "tied", "tied_weights"),
    *("active", "augmentation", "reduce_input", "reduce_dependencies", "dependencies", "num_classes", "vector_size"),
    *("default_validation_metric", "top_k", "threshold", "calibration", "clip", "input_size", "softmax", "defaults"),
)
"""Keys of a feature; others are options of the encoder or the decoder, as in versions before 0.6."""


@dataclass
class Feature:
    """A feature, with its sections."""

    section: Section
    name: str
    column: str
    kind: str
    preprocessing: Section
    coder: Section
    """The encoder of an input, the decoder of an output."""


@dataclass
class Inputs:
    """What the features of a configuration are read as."""

    columns: list[Column] = field(default_factory=list)
    outside: list[Feature] = field(default_factory=list)
    """Features that netspec does not read from a table."""


def read_features(reading: Reading, items: list[Value], defaults: Section, coder: str) -> list[Feature]:
    """The features of a list, with the defaults of their types."""
    found: list[Feature] = []
    for item in items:
        if not isinstance(item.data, Mapping):
            reading.wrong("a feature is not a mapping of keys to values", item.span)
            continue
        kind_value = item.data.get("type")
        kind = str(kind_value.data) if kind_value is not None else ""
        kind = OLD_TYPES.get(kind, kind)
        general = defaults.value(kind, *(old for old, new in OLD_TYPES.items() if new == kind))
        value = _grouped(merged(general, item), coder)
        section = reading.section(value, "feature")
        name = section.text("name", "column")
        section.text("type")
        section.ignore("", ("proc_column", "active", "augmentation", "input_size"))
        if not name or not kind:
            reading.wrong(f"a feature has no `{'name' if kind else 'type'}`", item.span)
            continue
        section.name = name
        column = section.text("column", default=name)
        if not can_be_quoted(column):
            reading.lost(column, "a string of netspec cannot have its characters", item.span, "rename the column")
            continue
        parts = section.section("preprocessing"), section.section(coder)
        for part, word in zip(parts, ("preprocessing", coder), strict=True):
            part.name = f"{name}.{word}"
            part.span = part.span or section.span
        found.append(Feature(section, name, column, kind, *parts))
    return found


def merged(general: Value | None, own: Value) -> Value:
    """A value with what it does not say from a more general one."""
    if general is None or not isinstance(general.data, Mapping) or not isinstance(own.data, Mapping):
        return own
    items = {key: merged(general.data.get(key), value) for key, value in own.data.items()}
    return Value({**general.data, **items}, own.span)


def _grouped(value: Value, coder: str) -> Value:
    """Options of an encoder that are keys of the feature, moved to where they are today."""
    own = {key: item for key, item in value.data.items() if key in OWN_KEYS}
    loose = {key: item for key, item in value.data.items() if key not in OWN_KEYS}
    if not loose:
        return value
    given = own.get(coder)
    inner = dict(given.data) if given is not None and isinstance(given.data, Mapping) else {}
    if given is not None and isinstance(given.data, str):
        inner["type"] = given
    return Value({**own, coder: Value({**loose, **inner}, value.span)}, value.span)


# ---------------------------------------------------------------- columns


def column_of(feature: Feature, *, to: str = "", is_target: bool = False) -> Column:
    """A feature as a column of a table."""
    own, kind = feature.preprocessing, feature.kind
    strategy = own.text("missing_value_strategy", default="drop_row" if is_target else "fill_with_const")
    normalize, missing, format = "", "", ""
    if kind == "number":
        names = {"zscore": "standard", "minmax": "unit", "none": "none", "None": "none"}
        has_none = own.has("normalization") and own.value("normalization") is None
        given = "none" if has_none or is_target else "zscore"
        given = own.text("normalization", default=given)
        normalize = names.get(given, "none")
        if given not in names:
            reason, place = f"netspec has no normalization `{given}`", own.place("normalization")
            own.reading.lost(f"{feature.name}: {given}", reason, place, "use zscore, minmax or null")
        missing = _filled(feature, strategy, to_source(own.number("fill_value", default=0.0, low=-1e30)))
    elif kind == "date":
        format = own.text("datetime_format")
        missing = "drop" if strategy == "drop_row" else ""
    elif kind == "set":
        format = {"comma": ",", "underscore": "_"}.get(own.text("tokenizer", default="space"), " ")
    elif kind in ("category", "binary"):
        missing = "drop" if strategy == "drop_row" else "category"
        if own.value("missing_value_strategy") is not None and strategy not in ("drop_row", "fill_with_const"):
            reason = "a missing value is a category of its own"
            own.reading.left_out(f"{feature.name}: {strategy}", reason, own.place("missing_value_strategy"))
    own.text("fill_value")
    own.ignore("netspec has a feature for every value", ("most_common",))
    own.ignore("it has no equal in netspec", ("lowercase", "outlier_strategy", "outlier_threshold", "vocab"))
    own.ignore("", ("computed_fill_value", "computed_outlier_fill_value", "cache_encoder_embeddings"))
    own.ignore("netspec sorts the two values: the second one is yes", ("fallback_true_label",))
    if is_target and kind in ("category", "binary") and missing == "category":
        missing = ""
    return Column(feature.column, kind, missing, normalize, to, format, feature.section.span)


def _filled(feature: Feature, strategy: str, constant: str) -> str:
    """How missing numbers are filled in."""
    own = feature.preprocessing
    known = {"fill_with_const": constant, "fill_with_mean": "mean", "drop_row": "drop"}
    if strategy in known:
        return known[strategy]
    what, place = f"{feature.name}: {strategy}", own.place("missing_value_strategy")
    own.reading.left_out(what, "netspec fills in the median instead", place)
    return "median"


# ---------------------------------------------------------------- the network


class InputReader:
    """Makes the inputs of the network, and what their encoders compute."""

    def __init__(self, reading: Reading, features: list[Feature]) -> None:
        self.reading = reading
        self.names: set[str] = set()
        self.inputs = Inputs()
        self.joint = [f for f in features if f.kind in JOINT and self._is_joint(f)]
        self.features = [f for f in features if f.kind in (*JOINT, *OTHERS)]
        self.own: dict[str, str] = {}
        for feature in features:
            if feature.kind not in (*JOINT, *OTHERS):
                advice = f"types are {', '.join((*JOINT, *OTHERS))}"
                feature.section.keys = feature.coder.keys = feature.preprocessing.keys = {}
                what = f"{feature.name} ({feature.kind})"
                reading.lost(what, f"netspec has no features of type `{feature.kind}`", feature.section.span, advice)
            elif feature.section.value("tied", "tied_weights") is not None:
                place = feature.section.place("tied", "tied_weights")
                reading.lost(f"{feature.name}: tied", "encoders with the same weights are not imported", place)
        for feature in self.features:
            self._column(feature)

    def _is_joint(self, feature: Feature) -> bool:
        """Whether a feature is part of the vector: it has no layers before it is combined with others."""
        return feature.kind != "number" or feature.coder.text("type", default="passthrough") != "dense"

    def _column(self, feature: Feature) -> None:
        if feature in self.joint:
            self.inputs.columns.append(column_of(feature))
            return
        name = self.own[feature.name] = identifier(feature.name, self.names)
        if feature.kind == "number":
            self.inputs.columns.append(column_of(feature, to=name))
        elif feature.kind == "image":
            own = feature.preprocessing
            sizes = [own.integer(key, default=0, low=0) for key in ("height", "width")]
            to = name if name != feature.column else ""
            channels = own.integer("num_channels", default=0, low=0)
            parts = [f"{sizes[0]}x{sizes[1]}"] if all(sizes) else []
            parts += [f"channels = {channels}"] if channels in (1, 3, 4) else []
            format = ", ".join(parts)
            self.inputs.columns.append(Column(feature.column, "image", to=to, format=format, span=feature.section.span))
        else:
            self.inputs.outside.append(feature)

    def combined(self, facts: Facts | None) -> list[Step]:
        """What the encoders compute, in the order of the features."""
        found, is_done = [], False
        for feature in self.features:
            if feature not in self.joint:
                found.append(self._encoded(feature, facts))
                continue
            if not is_done:
                found.append(self._vector(facts))
                is_done = True
            self._joint_encoder(feature)
        return found

    def _vector(self, facts: Facts | None) -> Step:
        """The input of the numbers, the categories and the like."""
        name = "numbers" if len(self.features) > len(self.joint) else "x"
        if facts is not None:
            shape = facts.inputs.get("numbers", facts.inputs.get("input"))
            if shape is not None and not shape.is_tokens:
                return self.reading.sketch.input(name, shape)
        unknown = next((f for f in self.joint if f.kind not in ("number", "binary")), None)
        if unknown is not None:
            kind = {"category": "its categories are", "set": "its tags are"}.get(unknown.kind, "its parts depend on")
            what = f"{unknown.name} ({unknown.kind})"
            reason = f"{kind} {'' if kind.endswith('on') else 'in '}the table"
            advice = "name the table: `netspec import config.yaml --data table.csv`"
            return self.reading.lost(what, reason, unknown.section.span, advice)
        count = sum(2 if feature.kind == "binary" else 1 for feature in self.joint)
        return self.reading.sketch.input(name, Shape((count,)))

    def _joint_encoder(self, feature: Feature) -> None:
        """Categories go to the first dense layer as they are: an embedding before it is a linear map, too."""
        coder = feature.coder
        kind = coder.text("type", default="passthrough")
        if kind in ("dense", "embed", "sparse") and coder.keys:
            reason = "its one-hot features go to the next layer, without a linear map of their own"
            self.reading.left_out(f"{feature.name}.encoder", reason, coder.span)
            coder.ignore("", tuple(coder.keys))
        elif kind not in ("passthrough", "onehot"):
            coder.ignore("", tuple(coder.keys))
            reason = f"netspec has no encoder `{kind}` for a {feature.kind}"
            self.reading.lost(f"{feature.name} ({kind})", reason, coder.place("type"), "use `onehot` or `passthrough`")

    def _encoded(self, feature: Feature, facts: Facts | None) -> Step:
        name, sketch = self.own[feature.name], self.reading.sketch
        kinds: dict[str, Encoder] = VECTOR
        default, own = "passthrough", feature.preprocessing
        if feature.kind == "number":
            x = sketch.input(name, Shape((1,)))
        elif feature.kind == "vector":
            size = own.integer("vector_size", default=0, low=0)
            x = sketch.input(name, Shape((size,))) if size else self._needs(feature, "vector_size")
            default = "dense"
        elif feature.kind == "image":
            x, kinds, default = self._image(feature, name, facts), IMAGE, "stacked_cnn"
        else:
            kinds, default = SEQUENCE, "rnn" if feature.kind == "timeseries" else "embed"
            default = "parallel_cnn" if feature.kind == "text" else default
            x = self._steps(feature, name)
        own.ignore("Ludwig prepares texts and series; netspec reads their ids and numbers", tuple(own.keys))
        if "type" not in feature.coder.keys and feature.kind != "number":
            default = self._default(feature, default)
        return encode(feature.coder, x, feature.name, kinds, default)

    def _default(self, feature: Feature, default: str) -> str:
        return default

    def _steps(self, feature: Feature, name: str) -> Step:
        """Ids of words, or the numbers of a series."""
        own = feature.preprocessing
        if feature.kind == "timeseries":
            length = own.integer("window_size", default=0, low=0) or own.integer("timeseries_length_limit", default=256)
            return self.reading.sketch.input(name, Shape((length, 1)))
        length = own.integer("sequence_length", "max_sequence_length", "sequence_length_limit", default=256)
        count = own.integer("most_common", default=20_000)
        if own.value("most_common") is None:
            reason = f"its {count:,} most common words are the limit of Ludwig; the table may have fewer"
            advice = f"write the number of its ids in place of {count + SPECIAL_TOKENS}"
            self.reading.left_out(f"{feature.name}: vocabulary", reason, feature.section.span, advice)
        return self.reading.sketch.input(name, Shape((length,), vocabulary=count + SPECIAL_TOKENS))

    def _image(self, feature: Feature, name: str, facts: Facts | None) -> Step:
        own = feature.preprocessing
        height, width = (own.integer(key, default=0, low=0) for key in ("height", "width"))
        channels = own.integer("num_channels", default=3, high=100)
        known = facts.inputs.get(name, facts.inputs.get("input")) if facts is not None else None
        if known is not None and known.rank == 3:
            return self.reading.sketch.input(name, known)
        if not height or not width:
            return self._needs(feature, "height", "width")
        return self.reading.sketch.input(name, Shape((height, width, channels)))

    def _needs(self, feature: Feature, *keys: str) -> Step:
        names = " and ".join(f"`{key}`" for key in keys)
        advice = f"set {names} in its `preprocessing`"
        return self.reading.lost(
            f"{feature.name} ({feature.kind})", "its size is not given", feature.section.span, advice
        )


def table_of(inputs: Inputs, targets: list[Column], path: Path | None) -> Table | None:
    """The table, where netspec reads all features from one."""
    if inputs.outside or not inputs.columns or not targets:
        return None
    return Table(tuple(inputs.columns), tuple(targets), **({} if path is None else {"file": str(path)}))
