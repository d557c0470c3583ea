"""Recognizes the network of a file of weights: its text, and the weights in the order of its layers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from netspec.interchange.errors import NotImported, NoWeights
from netspec.interchange.formats import Foreign
from netspec.interchange.reading.sketch import Sketch
from netspec.interchange.torch.reading.named.files import bad_file, read_config, read_weights_by_name
from netspec.interchange.torch.reading.named.googlenet import googlenet
from netspec.interchange.torch.reading.named.recognized import Recognized
from netspec.interchange.torch.reading.named.state_dict import StateDict
from netspec.interchange.torch.reading.named.text_models import bert, gpt2
from netspec.interchange.torch.reading.named.vision import alexnet, densenet, mobilenet_v2, resnet, vgg
from netspec.language.diagnostics import fail

VISION: tuple[Callable[[StateDict], Recognized | None], ...] = (alexnet, vgg, resnet, mobilenet_v2, densenet, googlenet)
LANGUAGE: tuple[Callable[[StateDict, Mapping[str, Any]], Recognized | None], ...] = (bert, gpt2)
KNOWN = "AlexNet, VGG, ResNet, MobileNetV2, DenseNet-121, GoogLeNet, BERT and GPT-2"
MAX_NAMES = 3
"""Names in a message."""


def read_named(path: Path) -> Foreign:
    """The network that the names of the weights in a file say.

    Raises:
        CompileError: the file cannot be read (NS475, NS570, NS574), the network is not known (NS570), or some of its
            weights are missing (NS575).
    """
    weights = read_weights_by_name(path)
    found = recognize(weights, read_config(path))
    if found is None:
        reason = f"the names of its weights are those of no network that netspec knows ({KNOWN})"
        advice = "import the module in Python: `netspec.import_model(model, inputs=…)`"
        raise bad_file(path, reason, advice)
    if found.weights.missing:
        raise fail(NoWeights(file=str(path), layers=f" for {_some(found.weights.missing)}", advice="check the file"))
    sketch = Sketch(path.name.partition(".")[0])
    for prefix, reason in found.left_out.items():
        if found.weights.leave_out([prefix]) and reason:
            sketch.report(NotImported(what=f"{prefix}*", reason=reason, advice="the rest of the network is imported"))
    if found.weights.rest:
        reason = f"it looks like {found.title}, but has {_some(found.weights.rest)}, too"
        advice = "import the module in Python: `netspec.import_model(model, inputs=…)`"
        raise bad_file(path, reason, advice)
    reason = f"a file of weights alone cannot be run; by their names and sizes it is {found.title}"
    return Foreign(sketch, text=found.text, layers=found.layers, unverified=reason)


def recognize(weights: StateDict, config: Mapping[str, Any]) -> Recognized | None:
    """The network that has such names and sizes; None for an unknown one."""
    for vision in VISION:
        if (found := vision(weights)) is not None:
            return found
    for language in LANGUAGE:
        if (found := language(weights, config)) is not None:
            return found
    return None


def _some(names: list[str]) -> str:
    """A few of the names, and how many more there are."""
    shown = ", ".join(f"`{name}`" for name in names[:MAX_NAMES])
    return f"{shown} and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else shown
