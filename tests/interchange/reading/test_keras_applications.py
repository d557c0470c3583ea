"""Networks of `keras.applications` with random weights, and specs that netspec exports to Keras and reads back."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.interchange.imports import imported_from
from netspec.interchange.keras.draft import draft
from netspec.interchange.keras.reading.reader import read
from netspec.spec.canonical import Meaning, meaning_of
from tests.interchange.conftest import randomize
from tests.interchange.reading.keras_models import imported, keras
from tests.interchange.test_specs import SPECS, small

apps = keras.applications

QUICK: dict[str, Callable[..., Any]] = {
    "densenet": lambda **more: private("densenet").DenseNet([1, 1, 1, 1], **more),
    "convnext": lambda **more: private("convnext").ConvNeXt((1, 1, 1, 1), (8, 8, 16, 16), **more),
    "mobilenet": lambda **more: apps.MobileNet(alpha=0.25, **more),
}
"""Small ones of the same kinds."""


def private(family: str) -> Any:
    """The module of a family of networks, with functions for other depths."""
    return import_module(f"keras.src.applications.{family}")


NAMES = {
    **dict.fromkeys(("VGG16", "ResNet50", "ResNet50V2", "MobileNet", "MobileNetV2", "MobileNetV3Small"), 32),
    **dict.fromkeys(("MobileNetV3Large", "DenseNet121", "EfficientNetB0", "EfficientNetV2B0"), 32),
    **dict.fromkeys(("NASNetMobile", "ConvNeXtTiny"), 32),
    "InceptionV3": 75,
    "InceptionResNetV2": 75,
    "Xception": 71,
}
"""The size of the images by the name of the network."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "application" in metafunc.fixturenames:
        metafunc.parametrize("application", [*QUICK, *(NAMES if metafunc.config.getoption("--long") else [])])
    if "spec" in metafunc.fixturenames:
        paths = [path for path in SPECS if metafunc.config.getoption("--long") or path.stem in CARRIED]
        metafunc.parametrize("spec", paths, ids=[path.stem for path in paths])


def test_applications(application: str, tmp_path: Path) -> None:
    build, size = QUICK.get(application) or getattr(apps, application), NAMES.get(application, 32)
    model = build(weights=None, input_shape=(size, size, 3), classes=10)
    assert imported(model, tmp_path).warnings == ()


# ---------------------------------------------------------------- round trips

CARRIED = {
    *("autoencoder", "digits", "edge_filter", "embedding_mlp", "keras_mnist_convnet", "lenet5", "mlp", "mnist_cnn"),
    *("multitask", "resnet20_cifar", "siamese", "slashes", "xor"),
}
TRAINING = ("dropout", "droppath", "noise")
"""Layers that an export leaves out."""
ASIDE = {
    "dropout",
    "recurrent_dropout",
    "frozen",
    "l1",
    "l2",
    "init",
    "bias_init",
    "recurrent_init",
    "momentum",
    "weights",
}
"""Options that are for training only, or that become weights."""
SIZES = ("kernel", "window", "stride", "dilation", "factor", "pad")


def plain(meaning: Meaning) -> list[Any]:
    """The network without the names of its layers, and without what is for training only."""
    kept: dict[int, int] = {}
    skipped: dict[int, Any] = {}
    inputs = list(meaning.inputs)
    found = []

    def place(source: Any) -> Any:
        while source in skipped:
            source = skipped[source]
        return kept[source] if isinstance(source, int) else f"input {inputs.index(source)}"

    for index, layer in enumerate(meaning.layers):
        if layer["word"] in TRAINING:
            skipped[index] = layer["inputs"][0]
            continue
        kept[index] = len(found)
        options = {name: value for name, value in layer["options"].items() if name not in ASIDE}
        first = None if layer["shared"] is None else kept[layer["shared"]]
        found.append([layer["word"], alike(options), [place(i) for i in layer["inputs"]], first, layer["shape"]])
    return [list(meaning.inputs.values()), found, [place(output["from"]) for output in meaning.outputs]]


def alike(options: dict[str, Any]) -> dict[str, Any]:
    """Sizes in one form: `3x3` is 3, `valid` is 0, and `same` is half of an odd window that moves by 1."""
    made = dict(options)
    for name in SIZES:
        parts = set(str(made.get(name, "")).split("x"))
        made |= {name: parts.pop()} if len(parts) == 1 and name in made else {}
    window = made.get("kernel", made.get("window"))
    if made.get("pad") == "valid":
        made["pad"] = "0"
    if made.get("pad") == "same" and (window == "1" or (str(window) in ("3", "5", "7") and made.get("stride") == "1")):
        made["pad"] = str(int(window) // 2)
    return made


def test_round_trips(spec: Path, tmp_path: Path) -> None:
    text = spec.read_text(encoding="utf-8")
    model = randomize(netspec.compile(spec if "\ndata {" in text else small(text)))
    try:
        content = draft(model, "net.keras").files["net.keras"]
    except netspec.CompileError as error:
        assert spec.stem not in CARRIED
        assert {problem.code for problem in error.diagnostics} == {"NS544"}
        return
    (tmp_path / "net.keras").write_bytes(content)
    found = imported_from(read(tmp_path / "net.keras", None), "Keras")
    if spec.stem != "unet":  # `crop` to the size of a second tensor is exported as a margin
        assert plain(meaning_of(found.model.compilation)) == plain(meaning_of(model.compilation))
