"""Reads VGSL: each layer of the text becomes steps of a sketch.

A tensor of VGSL always has a height, a width and a depth. Here one of height 1 is a sequence over the width where a
layer wants that, and one of 1x1 a vector.

Reference: the variable-size graph specification language of Tesseract, with the additions of kraken.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from netspec.interchange.configs.input_files import read_source
from netspec.interchange.configs.vgsl.parse import Part, Specification, parse
from netspec.interchange.configs.vgsl.shapes import as_image, as_line, flat, sizes_of, split_axis
from netspec.interchange.errors import NotImported, NoWeights
from netspec.interchange.formats import Foreign
from netspec.interchange.reading.sketch import Sketch, Step
from netspec.language.diagnostics import fail
from netspec.language.shape import Dim, Shape
from netspec.language.source import Source
from netspec.layers import activations as words
from netspec.layers.activation_layer import ActivationLayer
from netspec.layers.base import Layer
from netspec.layers.dense import Dense
from netspec.layers.merge import Concat
from netspec.layers.norm import BatchNorm, GroupNorm
from netspec.layers.regularization import Dropout
from netspec.layers.sequence.bidirectional import Bidirectional
from netspec.layers.sequence.recurrent import Gru, Lstm, Recurrent
from netspec.layers.spatial.conv import Conv
from netspec.layers.spatial.pool import AvgPool, MaxPool
from netspec.layers.spatial.transposed_conv import Upconv

ACTIVATIONS: dict[str, words.Activation | None] = {
    "s": words.Sigmoid(),
    "t": words.Tanh(),
    "r": words.Relu(),
    "e": words.Elu(),
    "lr": words.LeakyRelu(),
    "l": None,
    "m": words.Softmax(),
}
NAME = r"(?:\{(?P<name>[^{}]*)\})?"
NUMBER = r"[1-9]\d{0,6}"


def read(source: Any, weights: Path | None) -> Foreign:
    """The network of a text, or of a file with it.

    Raises:
        CompileError: it is not a specification (NS570), or a second file is given (NS575).
    """
    if weights is not None:
        advice = "a specification has no weights: omit the second file"
        raise fail(NoWeights(file=str(weights), advice=advice))
    is_text = isinstance(source, str) and re.match(r"\s*(\[|\d+,)", source) is not None
    text = Source("specification", source) if is_text else read_source(source, "VGSL")[0]
    return Foreign(sketch=_Reader(parse(text), "vgsl" if is_text else Path(source).stem).sketch)


class _Reader:
    """Makes the sketch of a specification."""

    def __init__(self, specification: Specification, name: str) -> None:
        text = " ".join(specification.source.text.split())
        self.sketch = Sketch(name, about=f"From VGSL: {text if len(text) < 100 else text[:99] + '…'}")
        step = self._input(specification)
        for part in specification.parts:
            step = self._apply(step, part)
        self.sketch.output(step)

    def _input(self, specification: Specification) -> Step:
        """An image, or a sequence where the height is 1 and nothing slides over it."""
        _, height, width, depth = specification.sizes
        space = [size or Dim.named(name) for size, name in ((height, "H"), (width, "W"))]
        flat_layers = re.compile(r"[LGODIF]|(?:C[T]?[a-z]+|Mp|Ap)(?:\{[^{}]*\})?1,")
        is_line = height == 1 and all(flat_layers.match(part.text) for part in specification.layers)
        return self.sketch.input("x", Shape((*space[is_line:], depth)))

    def _apply(self, x: Step, part: Part) -> Step:
        if part.kind == "[":
            for inner in part.parts:
                x = self._apply(x, inner)
            return x
        if part.kind == "(":
            return self._parallel([self._apply(x, inner) for inner in part.parts], part)
        for pattern, method in LAYERS:
            found = pattern.fullmatch(part.text)
            if found is not None:
                return x if x.is_lost else method(self, x, part, found)
        return self._lost(part, *_unreadable(part.text))

    def _parallel(self, branches: list[Step], part: Part) -> Step:
        if not branches:
            return self._lost(part, "there is nothing between the brackets", "remove them")
        if len({branch.shape.rank for branch in branches if not branch.is_lost}) > 1:
            branches = [as_image(self.sketch, branch, part.span) for branch in branches]
        return branches[0] if len(branches) == 1 else self._add(Concat(), branches, part)

    # ---------------------------------------------------------------- layers

    def _conv(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        height, width, filters = (int(found[name]) for name in ("y", "x", "d"))
        if found["act"] not in ACTIVATIONS:
            return self._lost(part, f"the activation `{found['act']}` is not known", _activations())
        stride = [int(found[name] or 1) for name in ("sy", "sx")]
        dilation = [int(found[name] or 1) for name in ("dy", "dx")]
        kernel = [height, width]
        if x.shape.rank == 2 and height == 1:
            kernel, stride, dilation = kernel[1:], stride[1:], dilation[1:]
        else:
            x = as_image(self.sketch, x, part.span)
        options: dict[str, Any] = {"stride": _same(stride), "dilation": _same(dilation)}
        if found["transposed"]:
            pads = [(k - 1) * d // 2 for k, d in zip(kernel, dilation, strict=True)]
            layer: Layer = Upconv(filters=filters, kernel=_same(kernel), pad=_same(pads), **options)
        else:
            layer = Conv(filters=filters, kernel=_same(kernel), pad=_conv_pad(kernel, stride, dilation), **options)
        return self._activated(self._add(layer, [x], part, found), found["act"], part)

    def _pool(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        window = [int(found["y"]), int(found["x"])]
        stride = [int(found["sy"] or window[0]), int(found["sx"] or window[1])]
        if x.shape.rank == 2 and window[0] == 1:
            window, stride = window[1:], stride[1:]
        else:
            x = as_image(self.sketch, x, part.span)
        kind = MaxPool if found["kind"] == "M" else AvgPool
        options: dict[str, Any] = {} if stride == window else {"stride": _same(stride)}
        return self._add(kind(window=_same(window), **options), [x], part, found)

    def _recurrent(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        along = found["axis"]
        line = as_line(self.sketch, x, along, part.span)
        if line is None:
            height, width = sizes_of(x.shape)[:2]
            lines = f"{height} rows" if along == "x" else f"{width} columns"
            reason = f"it runs along each of {lines}, and recurrent layers of netspec along a single sequence"
            where = "before" if along == "x" else "instead of"
            return self._lost(part, reason, f"put `S1(1x0)1,3` {where} it, which makes the rows channels")
        options: dict[str, Any] = {"units": int(found["n"]), "return_": "last" if found["summary"] else "sequence"}
        kind = Lstm if found["kind"] == "L" else Gru
        one: Recurrent = kind(**options, reverse=found["way"] == "r")
        y = self._add(Bidirectional(layer=one) if found["way"] == "b" else one, [line], part, found)
        if along == "y" and y.shape.rank == 2:  # other layers read a sequence as the width
            y = as_image(self.sketch, y, part.span, is_column=True)
        return y

    def _dense(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        if found["act"] not in ACTIVATIONS:
            return self._lost(part, f"the activation `{found['act']}` is not known", _activations())
        x = flat(self.sketch, x, part.span)
        return self._activated(self._add(Dense(units=int(found["n"])), [x], part, found), found["act"], part)

    def _dropout(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        rate = float(found["rate"] or 0.5)
        if found["percent"]:
            rate = int(found["percent"]) / 100
        if not 0 <= rate < 1:
            return self._lost(part, f"a rate of {rate:g} drops everything", "write a rate below 1, such as `Do0.5`")
        return self._add(Dropout(rate=rate, per="channel" if found["dim"] == "2" else "number"), [x], part, found)

    def _norm(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        return self._add(GroupNorm(groups=int(found["n"])), [x], part, found)

    def _batchnorm(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        return self._add(BatchNorm(), [x], part, found)

    def _split(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        numbers = [int(found[name]) for name in ("d", "a", "b", "e", "f")]
        done = split_axis(self.sketch, x, numbers, part.span)
        return (
            self._lost(part, done, "its form is `S1(1x0)1,3`: rows become channels") if isinstance(done, str) else done
        )

    def _identity(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        return x

    def _softmax_lstm(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        advice = f"use `Lfx{found['n']}` and an output such as `O1c{found['n']}`"
        return self._lost(part, "its softmax is fed back to the LSTM", advice)

    def _sum(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        return self._lost(part, "netspec cannot add parts of a tensor", "use a 1x1 convolution, such as `Cl1,1,32`")

    def _output(self, x: Step, part: Part, found: re.Match[str]) -> Step:
        kind, classes = found["kind"], int(found["n"])
        if classes == 1 and kind != "l":
            reason = "a softmax over one class is always 1; Tesseract takes the number of classes from its alphabet"
            return self._lost(part, reason, f"write the number, such as `O{found['dims']}{kind}111`")
        layer: Layer = Dense(units=classes)
        if found["dims"] == "0":
            x = flat(self.sketch, x, part.span)
        elif found["dims"] == "1" and x.shape.rank > 1:
            line = as_line(self.sketch, x, "x", part.span)
            line = line if line is not None else as_line(self.sketch, x, "y", part.span)
            if line is None:
                height, width = sizes_of(x.shape)[:2]
                reason = f"it is for a sequence, and gets {height} rows of {width} positions"
                return self._lost(part, reason, "put `S1(1x0)1,3` before it, which makes the rows channels")
            x = line
        elif found["dims"] == "2":
            x = as_image(self.sketch, x, part.span)
            layer = Conv(filters=classes, kernel=1)
        if kind == "c":
            self.sketch.settings["train"] = {"loss": "ctc"}
            reason = "the letters of its classes are in no specification; `loss = ctc` takes class 0 as the blank"
            self.sketch.report(NotImported(what=part.text, reason=reason, span=part.span))
        return self._activated(self._add(layer, [x], part, found), "s" if kind == "l" else "m", part)

    # ---------------------------------------------------------------- steps

    def _add(self, layer: Layer, inputs: list[Step], part: Part, found: re.Match[str] | None = None) -> Step:
        name = (found["name"] or "") if found is not None else ""
        return self.sketch.add(layer, *inputs, name=name, span=part.span)

    def _activated(self, x: Step, letter: str, part: Part) -> Step:
        word = ACTIVATIONS[letter]
        return x if word is None else self._add(ActivationLayer(activation=word), [x], part)

    def _lost(self, part: Part, reason: str, advice: str) -> Step:
        return self.sketch.lost(part.text, reason, part.span, advice)


def _conv_pad(kernel: list[int], stride: list[int], dilation: list[int]) -> Any:
    """Padding that keeps the size. With a stride it is the same on both sides, as in PyTorch, which kraken uses."""
    if all(s == 1 for s in stride) or any(k % 2 == 0 for k in kernel):
        return "same"
    return _same([(k - 1) * d // 2 for k, d in zip(kernel, dilation, strict=True)])


def _same(numbers: list[int]) -> Any:
    """One number for all axes, where they are alike."""
    return numbers[0] if len(set(numbers)) == 1 else tuple(numbers)


def _activations() -> str:
    return f"activations are {', '.join(f'`{letter}`' for letter in ACTIVATIONS)}"


def _unreadable(text: str) -> tuple[str, str]:
    """Why a text is not a layer, and how its kind is written."""
    for start, form in FORMS.items():
        if text.startswith(start):
            return f"it is not of the form `{form}`", f"numbers are from 1 to 9,999,999; a complete layer is `{form}`"
    return "no layer begins like this", f"layers are such as {', '.join(f'`{form}`' for form in FORMS.values())}"


FORMS = {
    "C": "Cr3,3,32",
    "M": "Mp2,2",
    "Ap": "Ap2,2",
    "L": "Lbx100",
    "Gn": "Gn32",
    "G": "Gbx100",
    "F": "Fr64",
    "D": "Do0.5",
    "S": "S1(1x0)1,3",
    "Bn": "Bn",
    "I": "I",
    "O": "O1c80",
}
Method = Callable[[_Reader, Step, Part, "re.Match[str]"], Step]
PAIR = f"(?P<y>{NUMBER}),(?P<x>{NUMBER})"
MORE = f"(?:,(?P<sy>{NUMBER}),(?P<sx>{NUMBER}))?"
LAYERS: tuple[tuple[re.Pattern[str], Method], ...] = tuple(
    (re.compile(pattern), method)
    for pattern, method in (
        (
            rf"C(?P<transposed>T)?(?P<act>[a-z]+){NAME}{PAIR},(?P<d>{NUMBER}){MORE}(?:,(?P<dy>{NUMBER}),(?P<dx>{NUMBER}))?",
            _Reader._conv,
        ),
        (rf"(?P<kind>[MA])p{NAME}{PAIR}{MORE}", _Reader._pool),
        (rf"(?P<kind>[LG])(?P<way>[frb])(?P<axis>[xy])(?P<summary>s)?{NAME}(?P<n>{NUMBER})", _Reader._recurrent),
        (rf"L[SE]x?{NAME}(?P<n>{NUMBER})", _Reader._softmax_lstm),
        (rf"F(?P<act>[a-z]+){NAME}(?P<n>{NUMBER})", _Reader._dense),
        (
            rf"D(?:(?P<percent>\d{{1,3}})|o{NAME}(?P<rate>\d{{0,3}}\.?\d{{1,6}})?(?:,(?P<dim>[12]))?)",
            _Reader._dropout,
        ),
        (rf"Gn{NAME}(?P<n>{NUMBER})", _Reader._norm),
        (rf"Bn{NAME}", _Reader._batchnorm),
        (
            rf"S{NAME}(?P<d>\d)\((?P<a>\d{{1,7}})x(?P<b>\d{{1,7}})\)(?P<e>\d),(?P<f>\d)",
            _Reader._split,
        ),
        (rf"I{NAME}", _Reader._identity),
        (rf"A{NAME}\d,\d+", _Reader._sum),
        (rf"O{NAME}(?P<dims>[012])(?P<kind>[lsc])a?(?P<n>{NUMBER})", _Reader._output),
    )
)
"""The form of each layer, and what reads it."""
