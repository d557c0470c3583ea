"""Reads a configuration of Ludwig: the features, the combiner, the outputs, and the settings of the training.

Reference: the documentation of Ludwig 0.11, and the names that keys had from version 0.4 on.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from netspec.data.dataset.dataset import Facts
from netspec.interchange.configs.input_files import InputFile, read_source
from netspec.interchange.configs.ludwig.features import InputReader, merged, read_features, table_of
from netspec.interchange.configs.ludwig.layers import LayerOptions, add, dense_stack
from netspec.interchange.configs.ludwig.outputs import OutputReader
from netspec.interchange.configs.ludwig.section import Reading, Section, as_number
from netspec.interchange.configs.ludwig.table import PLACEHOLDER, Table, facts_of
from netspec.interchange.configs.ludwig.training import train_settings
from netspec.interchange.configs.ludwig.yaml_tree import Value, parse_yaml
from netspec.interchange.errors import NoWeights
from netspec.interchange.formats import Foreign
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.diagnostics import fail
from netspec.language.shape import Shape
from netspec.language.values import to_source
from netspec.layers.merge import Concat
from netspec.layers.reshape import Flatten

SPLIT = (0.7, 0.1, 0.2)
"""The fractions of the training, validation and test split, if nothing says otherwise."""


def read(source: Any, weights: Path | None, data: Path | None = None) -> Foreign:
    """The network and the training of a configuration.

    Args:
        source: the YAML file.
        weights: none: a configuration has no weights.
        data: the table, which says how many categories and classes there are.

    Raises:
        CompileError: it is not a configuration, or the table does not fit it (NS570), PyYAML is missing (NS574), or a
            file of weights is given (NS575).
    """
    if weights is not None:
        raise fail(NoWeights(file=str(weights), advice="a configuration has no weights: omit the second file"))
    text, file = read_source(source, "Ludwig")
    tree = parse_yaml(text, file)
    reading = Reading(Sketch(Path(source).stem, about=f"From the Ludwig configuration {Path(source).name}"), file)
    root = reading.section(tree, "")
    if not root.keys or not root.items("input_features") or not root.items("output_features"):
        advice = "a configuration has the lists `input_features` and `output_features`"
        raise file.bad("it has no features", advice, tree.span)
    _Configuration(reading, root, file, data).read()
    return Foreign(sketch=reading.sketch)


class _Configuration:
    """Reads the sections one after the other."""

    def __init__(self, reading: Reading, root: Section, file: InputFile, data: Path | None) -> None:
        self.reading = reading
        self.root = root
        self.file = file
        self.data = data
        self.preprocessing = root.section("preprocessing")

    def read(self) -> None:
        reading, root = self.reading, self.root
        kind = root.text("model_type", default="ecd")
        if kind != "ecd":
            advice = "netspec imports encoders, a combiner and decoders: `model_type: ecd`"
            reading.lost(f"model_type: {kind}", "it is not such a network", root.place("model_type"), advice)
        defaults = self._defaults()
        features = read_features(reading, root.items("input_features") or [], defaults, "encoder")
        inputs = InputReader(reading, features)
        outputs = OutputReader(
            reading, read_features(reading, root.items("output_features") or [], defaults, "decoder")
        )
        targets = outputs.columns if outputs.are_in_a_table else []
        table = table_of(inputs.inputs, targets, self.data)
        facts = None if table is None or self.data is None else facts_of(table, self.data)
        outputs.decode(self._combined(inputs.combined(facts)), facts)
        has_validation = self._data(table, outputs, facts)
        trainer = root.section("trainer", "training")
        trainer.name = "trainer"
        settings = train_settings(trainer, has_validation=has_validation, metrics=outputs.metrics)
        if outputs.losses:
            settings["loss"] = " -> ".join(outputs.losses.values())
        if outputs.threshold:
            settings["threshold"] = outputs.threshold
        reading.sketch.settings["train"] = settings
        root.ignore("netspec trains one network", ("hyperopt",))
        root.ignore("where it runs is up to the machine", ("backend",))
        root.ignore("", ("ludwig_version",))
        reading.finish()

    def _defaults(self) -> Section:
        """What features of a type have: `defaults`, or types in `preprocessing`, as before version 0.6."""
        own = self.root.section("defaults")
        types = ("number", "numerical", "binary", "category", "text", "sequence", "image", "vector", "timeseries")
        for kind in (*types, "set", "bag", "date", "audio", "h3"):
            own.known.add(kind)
            old = self.preprocessing.value(kind)
            if old is not None:
                more = Value({"preprocessing": old}, old.span)
                own.keys[kind] = merged(more, own.keys[kind]) if kind in own.keys else more
        return own

    def _combined(self, steps: list[Step]) -> Step:
        """All features joined, and the dense layers after that."""
        section = self.root.section("combiner")
        kind = section.text("type", default="concat")
        if kind != "concat":
            place, section.keys = section.place("type"), {}
            return self.reading.lost(f"combiner: {kind}", f"netspec has no combiner `{kind}`", place, "use `concat`")
        flatten = section.flag("flatten_inputs", default=False)
        options = LayerOptions(section)
        if any(step.is_lost for step in steps) or not steps:
            return dense_stack(section, Step(layer=None, shape=Shape(()), is_lost=True), options, size=256)
        if len(steps) > 1 or flatten:
            steps = [x if x.shape.rank == 1 else add(self.reading, Flatten(), x, span=section.span) for x in steps]
        x = steps[0] if len(steps) == 1 else add(self.reading, Concat(), *steps, span=section.span)
        return dense_stack(section, x, options, size=256)

    # ---------------------------------------------------------------- data

    def _data(self, table: Table | None, outputs: OutputReader, facts: Facts | None) -> bool:
        """The section `data`; whether there is a validation split."""
        settings = self.reading.sketch.settings.setdefault("data", {})
        validation, test = self._split()
        has_validation = validation > 0
        if table is not None and self.data is not None:
            settings["source"] = table.source()
        elif table is not None:
            reason = "Ludwig takes the table on the command line"
            advice = f"name it with `--data`, or write in `data`: source = {table.source()}"
            self.reading.left_out(PLACEHOLDER, reason, self.root.place("input_features"), advice)
        else:
            reason = "netspec reads no such features from a table"
            advice = "give netspec arrays: the source `npz` has one for each input and target"
            self.reading.left_out("the data", reason, self.root.place("input_features"), advice)
        if table is not None and table.normalize not in ("", "none"):
            settings["normalize"] = table.normalize
        if has_validation:
            settings["val"] = to_source(round(validation / (1 - test), 6))
        if test != 0.2:
            settings["test"] = to_source(round(test, 6))
        numbers = [column for column in outputs.columns if column.kind == "number"]
        if numbers and all(column.normalize == "none" for column in numbers):
            settings["normalize_targets"] = "none"
        elif any(column.normalize == "unit" for column in numbers):
            reason = "netspec normalizes targets to mean 0 and standard deviation 1"
            self.reading.left_out("normalization: minmax", reason, numbers[0].span)
        trainer = self.root.section("trainer", "training")
        if not trainer.flag("should_shuffle", default=True):
            settings["shuffle"] = "false"
        settings |= outputs.data
        return has_validation

    def _split(self) -> tuple[float, float]:
        """The fractions of the validation and the test split."""
        own = self.preprocessing
        split = own.section("split")
        split.name = "split"
        kind = split.text("type", default="random")
        if kind in ("fixed", "datetime", "hash") or (
            own.value("force_split") is not None and not own.flag("force_split", default=True)
        ):
            reason = "netspec draws the splits at random, or reads the test split from a second table"
            self.reading.left_out(f"split: {kind}", reason, split.span or self.root.place("preprocessing"))
        split.text("column")
        own.text("stratify")
        items = split.items("probabilities") or own.items("split_probabilities")
        numbers = [as_number(item.data) for item in items or ()]
        own.ignore("netspec has `limit` and `class_weights` in `data`", ("sample_ratio", "sample_size"))
        own.ignore("netspec has `class_weights` in `data`", ("oversample_minority", "undersample_majority"))
        own.ignore("", ("global_max_sequence_length", "cache_encoder_embeddings"))
        if items is None:
            return SPLIT[1], SPLIT[2]
        valid = [number for number in numbers if number is not None and 0 <= number <= 1]
        if len(valid) != 3 or len(numbers) != 3 or not 0.99 < sum(valid) < 1.01 or valid[0] == 0:
            self.reading.wrong("`probabilities` are not three fractions whose sum is 1", split.span or own.span)
            return SPLIT[1], SPLIT[2]
        return valid[1], valid[2]
