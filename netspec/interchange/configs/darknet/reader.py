"""Reads Darknet: a cfg, and the weights of its layers in a second file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netspec.interchange.configs.darknet import layers
from netspec.interchange.configs.darknet.cfg import Section, parse_cfg
from netspec.interchange.configs.darknet.table import READERS, Site
from netspec.interchange.configs.darknet.training import train_settings
from netspec.interchange.configs.darknet.weights import WeightsFile
from netspec.interchange.configs.input_files import identifier, read_source
from netspec.interchange.configs.opencv import OpenCVNet, OpenCVOutput, verified_by_opencv
from netspec.interchange.errors import NotImported
from netspec.interchange.formats import Foreign
from netspec.interchange.reading.channels_first.builder import Builder
from netspec.interchange.reading.channels_first.values import Value
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.corrections import suggest
from netspec.language.shape import Shape

DETECTIONS = ("yolo", "gaussian_yolo", "region", "detection", "iseg")
"""Sections that find boxes; they are cut off, and what they read is an output."""
ENDS = (*DETECTIONS, "cost")
RUNS = {
    *("convolutional", "conv", "maxpool", "max", "avgpool", "avg", "softmax", "soft", "dropout", "route", "shortcut"),
    *("upsample", "reorg", "connected", *ENDS),
}
"""Sections that OpenCV computes as Darknet does, or that are cut off."""
RUN_ACTIVATIONS = {"linear", "relu", "leaky", "mish", "swish", "logistic", "tanh"}
IGNORED = {
    *(
        "stopbackward",
        "dontload",
        "dontloadscales",
        "flipped",
        "onlyforward",
        "learning_rate",
        "random",
        "burnin_update",
    ),
    *("train_only_bn", "label_smooth_eps", "name"),
}
"""Options of the training, which any section may have."""

_ = layers  # this file fills the table


def read(source: Any, weights: Path | None) -> Foreign:
    """The network of a cfg.

    Args:
        source: the cfg.
        weights: the file of its weights, if there are any.

    Returns:
        The network, and OpenCV to verify it, which is used if there are weights and it can compute all layers.

    Raises:
        CompileError: a file cannot be read (NS570).
    """
    text, file = read_source(source, "Darknet")
    net, *sections = parse_cfg(text, file)
    found = _Reader(net, sections, None if weights is None else WeightsFile(weights), Path(source).stem)
    outputs = found.read()
    if weights is None or found.is_different or not all(map(_runs, sections)):
        return Foreign(sketch=found.sketch)
    cut, inputs = _cut_text(net, sections), {"x": ("", found.sizes)}
    run = OpenCVNet(function="readNetFromDarknet", text=cut, weights=weights, inputs=inputs, outputs=outputs)
    return verified_by_opencv(found.sketch, run)


_NOTHING = Value(Step(layer=None, shape=Shape(()), is_lost=True), (0,))
"""What a section reads that is after one that finds boxes."""


class _Reader:
    def __init__(self, net: Section, sections: Sequence[Section], weights: WeightsFile | None, name: str) -> None:
        self.net, self.sections, self.weights = net, sections, weights
        self.sketch = Sketch(identifier(name, set()), about=f"from the Darknet network {name}")
        self.builder = Builder(self.sketch)
        self.sizes: tuple[int, ...] = ()
        self.values: list[Value | None] = []
        self.ends: list[tuple[str, Value, int]] = []
        self.is_different = False
        """Whether there is a softmax over all numbers of a map, where OpenCV has one at each position."""

    def read(self) -> list[OpenCVOutput]:
        """Add all layers, outputs and settings to the sketch.

        Raises:
            CompileError: the cfg or the weights are damaged (NS570).
        """
        if not self.sections:
            raise self.net.file.bad("it has no layers", "give the cfg of a network", self.net.span)
        before: Value | None = self._input()
        for index, section in enumerate(self.sections):
            before = self._section(index, section, before)
            self.values.append(before)
            self._report_unused(section)
        if before is not None and self.sections[-1].kind not in ENDS:
            self.ends.append((self.sections[-1].kind, before, len(self.sections)))
        outputs = self._outputs()
        train_settings(self.sketch, self.net)
        self._report_unused(self.net)
        if self.weights is not None and not self.sketch.problems.errors:
            self.weights.check_end()
        return outputs

    def _input(self) -> Value:
        sizes = [self.net.integer(name, 0) for name in ("channels", "height", "width")]
        features = self.net.integer("inputs", 0)
        if not all(sizes) and not features:
            reason = "`[net]` has no `width`, `height` and `channels`"
            raise self.net.file.bad(reason, "write `width=416`, `height=416` and `channels=3`", self.net.span)
        self.sizes = tuple(sizes) if all(sizes) else (features,)
        with self.builder.place("x", span=self.net.span):
            return self.builder.input("x", self.sizes)

    def _section(self, index: int, section: Section, before: Value | None) -> Value | None:
        """What a section gives; None for one that finds boxes."""
        if section.kind in ENDS:
            return self._end(index, section, before)
        what = f"{section.kind} {index}"
        if section.kind not in READERS:
            self._skip(section)
            advice = suggest(section.kind, (*READERS, *ENDS), what="sections")
            return self.builder.lost(what, "netspec has nothing for this section", section.span, advice)
        if before is None and section.kind != "route":
            return self.builder.lost(what, "it reads a layer that finds boxes", section.span)
        if before is not None and before.is_lost and section.kind != "route":
            self._skip(section)
            return before
        if section.kind in ("softmax", "soft") and before is not None:
            self.is_different = any(size != 1 for size in before.sizes[1:])
        weights = None if self.sketch.problems.errors else self.weights  # those of a lost layer are not known
        site = Site(self.builder, section, index, self.values, before or _NOTHING, weights)
        with self.builder.place(f"{section.kind}_{index}", span=section.span):
            return READERS[section.kind](site)

    def _end(self, index: int, section: Section, before: Value | None) -> Value | None:
        """A loss or a layer that finds boxes: what it reads is an output."""
        self._skip(section)
        if before is None or before.is_lost:
            return before
        what = f"{section.kind} {index}"
        if section.kind == "cost":
            reason = "the network ends before it, and its loss is that of the training"
            self.sketch.report(NotImported(what=what, reason=reason, span=section.span))
            self.ends.append((self.sections[index - 1].kind, before, index))
            return before
        count = sum(name.startswith(f"{section.kind}_") for name, *_ in self.ends) + 1
        sizes = " x ".join(map(str, before.sizes))
        reason = f"netspec has nothing that finds boxes; the {sizes} numbers that it reads are an output"
        self.sketch.report(NotImported(what=what, reason=reason, span=section.span))
        self.ends.append((f"{section.kind}_{count}", before, index))
        return None

    def _skip(self, section: Section) -> None:
        """None of the options of a section are looked at."""
        section.used |= set(section.options)

    def _report_unused(self, section: Section) -> None:
        for name, option in section.options.items():
            if name not in section.used and name not in IGNORED:
                reason = f"`[{section.kind}]` has no option of this name"
                advice = suggest(name, section.used, what="options")
                self.sketch.report(NotImported(what=name, reason=reason, span=option.span, advice=advice))

    def _outputs(self) -> list[OpenCVOutput]:
        outputs, names = [], {"x"}
        for name, value, index in self.ends:
            if value.is_lost:
                continue
            own = "" if len(self.ends) == 1 else identifier(name, names)
            with self.builder.place(name, span=self.net.span):
                written = self.builder.output(value, own)
            if not written.is_lost:
                outputs.append(
                    OpenCVOutput(own or "output", f"identity_{index}", written.axes, written.step.shape.sizes)
                )
        return outputs


def _runs(section: Section) -> bool:
    is_plain = section.text("dilation", "1") == "1"
    if section.kind == "connected":
        is_plain = section.text("batch_normalize", "0") == "0"
    return is_plain and section.kind in RUNS and section.text("activation", "linear") in RUN_ACTIVATIONS


def _cut_text(net: Section, sections: Sequence[Section]) -> str:
    """A cfg for OpenCV, in which every end is a dropout: that is a layer with a name, and does nothing."""
    lines = []
    for section in (net, *sections):
        lines.append(f"[{'dropout' if section.kind in ENDS else section.kind}]")
        if section.kind not in ENDS:
            lines += [f"{name}={option.text}" for name, option in section.options.items()]
    if sections[-1].kind not in ENDS:
        lines.append("[dropout]")
    return "\n".join(lines) + "\n"
