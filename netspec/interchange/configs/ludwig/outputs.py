"""The output features of a configuration: decoders, heads and losses."""

from __future__ import annotations

from typing import Any

from netspec.data.dataset.dataset import Facts
from netspec.interchange.configs.input_files import identifier
from netspec.interchange.configs.ludwig.encoders import reduced
from netspec.interchange.configs.ludwig.features import Feature, column_of
from netspec.interchange.configs.ludwig.layers import LayerOptions, add, dense_stack
from netspec.interchange.configs.ludwig.section import Reading, as_number
from netspec.interchange.configs.ludwig.table import Column, quoted
from netspec.interchange.reading.sketch import Step
from netspec.language.values import to_source
from netspec.layers import activations as words
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.dense import Dense

TYPES = ("number", "binary", "category", "set", "vector")
LOSSES = {
    "number": {
        "mean_squared_error": "",
        "mean_absolute_error": "mae",
        "huber": "huber",
    },
    "binary": {"binary_weighted_cross_entropy": "", "cross_entropy": ""},
    "category": {"softmax_cross_entropy": "", "cross_entropy": ""},
    "set": {"sigmoid_cross_entropy": ""},
    "vector": {"mean_squared_error": "", "mean_absolute_error": "mae", "huber": "huber"},
}
"""The losses of netspec; empty: the one that the head implies."""
METRICS = {
    "number": {
        "mean_squared_error": "mse",
        "mean_absolute_error": "mae",
        "r2": "r2",
        "root_mean_squared_error": "rmse",
    },
    "binary": {"accuracy": "accuracy", "roc_auc": "roc_auc"},
    "category": {"accuracy": "accuracy"},
}


class OutputReader:
    """Makes the outputs of the network, their losses, and what the data section says of targets."""

    def __init__(self, reading: Reading, features: list[Feature]) -> None:
        self.reading = reading
        self.features = []
        names: set[str] = set()
        self.names: dict[str, str] = {}
        for feature in features:
            if feature.kind not in TYPES:
                for section in (feature.section, feature.coder, feature.preprocessing):
                    section.keys = {}
                what, place = f"{feature.name} ({feature.kind})", feature.section.span
                reading.lost(
                    what, f"netspec has no targets of type `{feature.kind}`", place, f"types are {', '.join(TYPES)}"
                )
                continue
            self.features.append(feature)
            self.names[feature.name] = identifier(feature.name, names) if len(features) > 1 else ""
            if self.names[feature.name] not in ("", feature.column):
                place, advice = feature.section.span, f"rename the column to `{self.names[feature.name]}`"
                reading.lost(feature.name, "of several outputs, each has the name of its column", place, advice)
        self.columns: list[Column] = []
        for feature in self.features:
            if feature.kind == "vector":
                feature.preprocessing.ignore("", tuple(feature.preprocessing.keys))
            else:
                self.columns.append(column_of(feature, is_target=True))
        self.data: dict[str, str] = {}
        self.losses: dict[str, str] = {}
        self.threshold = ""

    @property
    def are_in_a_table(self) -> bool:
        """Whether netspec reads all targets from a table."""
        return len(self.columns) == len(self.features)

    @property
    def metrics(self) -> dict[str, str]:
        """What can be monitored, by its name in Ludwig."""
        found = {"loss": "val_loss", "combined_loss": "val_loss"}
        if len(self.features) == 1:
            found |= {name: f"val_{metric}" for name, metric in METRICS.get(self.features[0].kind, {}).items()}
        return found

    def decode(self, x: Step, facts: Facts | None) -> None:
        """Add the outputs of the network."""
        for feature in self.features:
            self.reading.sketch.output(self._output(feature, x, facts), self.names[feature.name])

    def _output(self, feature: Feature, x: Step, facts: Facts | None) -> Step:
        section, coder, span = feature.section, feature.coder, feature.section.span
        kind = coder.text("type")
        section.known |= {"threshold", "clip", "softmax"}  # of the head
        if section.items("dependencies"):
            reason = "outputs that read other outputs are not imported"
            self.reading.lost(f"{feature.name}: dependencies", reason, section.place("dependencies"))
        how = section.text("reduce_input", default="sum")
        x = reduced(section, x, how, span)
        if kind not in ("", "regressor", "classifier", "projector"):
            coder.keys = {}
            advice = "use regressor, classifier or projector"
            return self.reading.lost(f"{feature.name} ({kind})", f"netspec has no decoder `{kind}`", coder.span, advice)
        x = dense_stack(coder, x, LayerOptions(coder, "fc_"), size=256, prefix="fc_")
        bias = coder.flag("use_bias", default=True)
        coder.ignore("", ("input_size", "weights_initializer", "bias_initializer", "multiplier"))
        units = self._units(feature, facts)
        self._loss(feature)
        section.ignore("netspec reports its own metrics", ("default_validation_metric", "top_k"))
        section.ignore("", ("reduce_dependencies", "calibration"))
        if units == 0 or x.is_lost:
            return x
        x = add(
            self.reading,
            Dense(units=units) if bias else Dense(units=units, bias=False),
            x,
            span=span,
            name=feature.name,
        )
        return self._head(feature, x)

    def _units(self, feature: Feature, facts: Facts | None) -> int:
        """The number of units of the last layer; 0 where it is not known, which is reported."""
        section, coder = feature.section, feature.coder
        if feature.kind in ("number", "binary"):
            return 1
        targets = {} if facts is None else facts.targets
        target = targets.get(feature.column, targets.get("output") if len(self.features) == 1 else None)
        if feature.kind == "vector":
            given = section.integer("vector_size", default=0, low=0)
            given = given or feature.preprocessing.integer("vector_size", default=0, low=0)
            units = given or coder.integer("output_size", default=0, low=0)
        else:
            units = section.integer("num_classes", default=0, low=0) or coder.integer("num_classes", default=0, low=0)
            units = (target.classes or target.size) if target is not None else units
        if not units:
            what = f"{feature.name} ({feature.kind})"
            if feature.kind == "vector":
                self.reading.lost(what, "its size is not given", section.span, "set `vector_size`")
            else:
                advice = "name the table: `netspec import config.yaml --data table.csv`; or set `num_classes`"
                self.reading.lost(what, "its classes are in the table", section.span, advice)
        return units

    def _head(self, feature: Feature, x: Step) -> Step:
        section, span = feature.section, feature.section.span
        head: Any = {"binary": words.Sigmoid(), "category": words.Softmax(), "set": words.Sigmoid()}.get(feature.kind)
        if feature.kind == "vector" and section.flag("softmax", default=False):
            head = words.Softmax()
        bounds = section.items("clip")
        if bounds is not None and [as_number(item.data) for item in bounds] == [0, 6]:
            head = words.Relu6()
        elif bounds is not None:
            reason = "netspec cuts no output off at such limits"
            return self.reading.lost(f"{feature.name}: clip", reason, section.place("clip"), "remove `clip`")
        threshold = section.number("threshold", default=0.5, high=1.0)
        if feature.kind == "binary" and threshold != 0.5 and len(self.features) == 1:
            self.threshold = to_source(threshold)
        return x if head is None else add(self.reading, ActivationLayer(activation=head), x, span=span)

    def _loss(self, feature: Feature) -> None:
        own = feature.section.section("loss")
        own.name = f"{feature.name}.loss"
        kind, known = own.text("type"), LOSSES[feature.kind]
        loss = known.get(kind, "")
        if kind and kind not in known:
            advice = f"losses of such a target are {', '.join(known)}"
            what = f"{feature.name}: {kind}"
            self.reading.left_out(what, "netspec minimizes the loss that its head implies", own.place("type"), advice)
        delta = own.number("delta", default=1.0, low=1e-9)
        loss = f"huber({to_source(delta)})" if loss == "huber" and delta != 1 else loss
        weight = own.number("weight", default=1.0)
        name = self.names[feature.name]
        if name and (loss or weight != 1):
            parts = [quoted(name), loss or IMPLIED[feature.kind]]
            self.losses[name] = (
                f"of({', '.join([*parts, *([f'weight = {to_source(weight)}'] if weight != 1 else [])])})"
            )
        elif loss:
            self.losses[""] = loss
        self._class_weights(feature)
        own.ignore("netspec has no such option", ("robust_lambda", "confidence_penalty", "class_similarities"))
        own.ignore("", ("class_similarities_temperature", "unique"))

    def _class_weights(self, feature: Feature) -> None:
        own = feature.section.section("loss")
        positive = own.number("positive_class_weight", default=0.0)
        items = own.value("class_weights")
        if positive and positive != 1:
            self.data["class_weights"] = f"[1, {to_source(positive)}]"
        if items is None:
            return
        numbers = [as_number(item.data) for item in items.data] if isinstance(items.data, list) else []
        if not numbers or not all(number is not None and number >= 0 for number in numbers):
            advice = "write `class_weights` in `data`: a list in the order of the classes"
            self.reading.left_out(
                f"{feature.name}: class_weights", "they are not a list of numbers", items.span, advice
            )
            return
        self.data["class_weights"] = f"[{', '.join(to_source(number) for number in numbers)}]"


IMPLIED = {
    "number": "mse",
    "vector": "mse",
    "binary": "binary_cross_entropy",
    "category": "cross_entropy",
    "set": "binary_cross_entropy",
}
"""The losses that heads imply, where one has to be written."""
