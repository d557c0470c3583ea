"""Files of weights by the names of torchvision, timm and transformers, against networks written in PyTorch."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import netspec
from netspec.cli.main import run
from netspec.interchange.formats import Foreign
from netspec.interchange.imports import Imported
from netspec.interchange.torch.reading.named.reader import read_named
from netspec.language.diagnostics import CompileError
from netspec.storage.weights import flat_weights, put_weights, weights_of

torch: Any = pytest.importorskip("torch")
save_file: Any = pytest.importorskip("safetensors.torch").save_file

from tests.interchange.reading.torch import nets, text_nets  # noqa: E402  # it needs torch

ROOT = Path(__file__).parents[4]
SMALL = 32
"""The size of images: the specs have 224, which takes many times as long."""


def smaller(imported: Imported, size: int = SMALL) -> Any:
    """The imported network for smaller images."""
    text = imported.text.partition("\nexpect {")[0].replace("224x224", f"{size}x{size}")
    model = netspec.compile(text)
    put_weights(model.module, flat_weights(weights_of(imported.model.module)), "test")
    return model


def images(count: int = 2, size: int = SMALL) -> Any:
    return torch.randn(count, 3, size, size, generator=torch.Generator().manual_seed(1))


def channels_last(x: Any) -> Any:
    return x.permute(0, 2, 3, 1).numpy()


def difference(found: Any, expected: Any) -> float:
    found, expected = np.asarray(found), np.asarray(expected)
    assert found.shape == expected.shape
    return float(np.abs(found - expected).max() / np.abs(expected).max())


def imported_from(module: Any, folder: Path) -> Imported:
    save_file(module.state_dict(), folder / "net.safetensors")
    return netspec.import_model(folder / "net.safetensors")


VISION: dict[str, Any] = {
    "resnet18": lambda: nets.ResNet(nets.BasicBlock, (2, 2, 2, 2)),
    "resnet34": lambda: nets.ResNet(nets.BasicBlock, (3, 4, 6, 3), 7),
    "resnet50": lambda: nets.ResNet(nets.Bottleneck, (3, 4, 6, 3), 10),
    "resnet101": lambda: nets.ResNet(nets.Bottleneck, (3, 4, 23, 3), 10),
    "resnet152": lambda: nets.ResNet(nets.Bottleneck, (3, 8, 36, 3), 10),
    "mobilenet_v2": lambda: nets.MobileNetV2(5),
    "densenet121": lambda: nets.DenseNet(classes=11),
    "googlenet": lambda: nets.GoogLeNet(20),
}
FULL: dict[str, Any] = {
    "alexnet": lambda: nets.AlexNet(12),
    "vgg11": lambda: nets.Vgg((1, 1, 2, 2, 2), 3),
    "vgg16": lambda: nets.Vgg((2, 2, 3, 3, 3)),
    "vgg16_bn": lambda: nets.Vgg((2, 2, 3, 3, 3), 9, norm=True),
    "vgg19": lambda: nets.Vgg((2, 2, 4, 4, 4), 2),
}
"""These need images of 224 x 224."""
QUICK = ("resnet18",)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "vision" in metafunc.fixturenames:
        is_long = metafunc.config.getoption("--long")
        metafunc.parametrize("vision", [*VISION, *FULL] if is_long else QUICK)


def test_networks_for_images(vision: str, tmp_path: Path) -> None:
    module = nets.randomized((VISION | FULL)[vision]())
    found = imported_from(module, tmp_path)
    size = 224 if vision in FULL else SMALL
    model = found.model if vision in FULL else smaller(found)
    x = images(1 if vision in FULL else 2, size)
    with torch.no_grad():
        expected = torch.softmax(module(x), -1)
    assert difference(model(channels_last(x)), expected) < 1e-4
    assert np.ptp(expected.numpy()) > 1e-3


# ---------------------------------------------------------------- text


def ids(rows: int, steps: int, vocabulary: int) -> Any:
    return torch.randint(1, vocabulary, (rows, steps), generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("prefix", ["", "bert."])
def test_bert(prefix: str, tmp_path: Path) -> None:
    """With heads of 64 features, as all published sizes have; and with another number from a `config.json`."""
    module = nets.randomized(text_nets.Bert(30, 12, 128, 2, 96, 2))
    state = {f"{prefix}{name}": tensor for name, tensor in module.state_dict().items()}
    if prefix:
        state = {n.replace("LayerNorm.weight", "LayerNorm.gamma"): tensor for n, tensor in state.items()}
        state = {n.replace("LayerNorm.bias", "LayerNorm.beta"): tensor for n, tensor in state.items()}
        state["cls.predictions.bias"] = torch.zeros(30)
    save_file(state, tmp_path / "tiny-bert.safetensors")
    found = netspec.import_model(tmp_path / "tiny-bert.safetensors")
    assert [warning.code for warning in found.warnings] == (["NS572"] if prefix else [])
    words = ids(3, 12, 30)
    words[1, 7:] = 0
    segments = torch.zeros(3, 12, dtype=torch.long)
    segments[:, 5:] = 1
    with torch.no_grad():
        expected = module(words, segments)
    inputs = (words.numpy().astype("int32"), segments.numpy().astype("int32"))
    assert difference(found.model(*inputs), expected) < 1e-4


def test_bert_with_a_configuration(tmp_path: Path) -> None:
    module = nets.randomized(text_nets.Bert(30, 12, 16, 4, 24, 1))
    save_file(module.state_dict(), tmp_path / "model.safetensors")
    (tmp_path / "config.json").write_text(json.dumps({"num_attention_heads": 4, "hidden_act": "gelu"}))
    assert "encoder_layer(4, 24, activation = gelu" in netspec.import_model(tmp_path / "model.safetensors").text


@pytest.mark.parametrize("is_tied", [True, False])
def test_gpt_2(tmp_path: Path, *, is_tied: bool) -> None:
    module = text_nets.Gpt(40, 10, 128, 2, 2)
    if not is_tied:
        module.lm_head.weight = nets.nn.Parameter(torch.zeros(40, 128))
    nets.randomized(module)
    state = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    state["transformer.h.0.attn.bias"] = torch.ones(1, 1, 10, 10)
    torch.save({"state_dict": state, "epoch": 3}, tmp_path / "gpt.pt")
    found = netspec.import_model(tmp_path / "gpt.pt")
    assert ("unembed(table)" in found.text) is is_tied
    words = ids(2, 10, 40)
    with torch.no_grad():
        expected = torch.softmax(module(words), -1)
    assert difference(found.model(words.numpy().astype("int32")), expected) < 1e-4


# ---------------------------------------------------------------- names and heads


def timm_names(state: dict[str, Any]) -> dict[str, Any]:
    """A MobileNetV2 by the names of timm."""
    found, index = {}, 1
    for stage, (_, _, count, _) in enumerate(nets.MobileNetV2.STAGES):
        for block in range(count):
            place = f"blocks.{stage}.{block}"
            parts = ("conv_dw", "conv_pw") if stage == 0 else ("conv_pw", "conv_dw", "conv_pwl")
            old = ("0.0", "1") if stage == 0 else ("0.0", "1.0", "2")
            norms = ("0.1", "2") if stage == 0 else ("0.1", "1.1", "3")
            for part, conv, norm, number in zip(parts, old, norms, (1, 2, 3), strict=False):
                found |= {f"features.{index}.conv.{conv}.": f"{place}.{part}."}
                found |= {f"features.{index}.conv.{norm}.": f"{place}.bn{number}."}
            index += 1
    found |= {"features.0.0.": "conv_stem.", "features.0.1.": "bn1.", "features.18.0.": "conv_head."}
    found |= {"features.18.1.": "bn2.", "classifier.1.": "classifier."}
    renamed = {}
    for name, tensor in state.items():
        (old_name,) = [old for old in found if name.startswith(old)]
        renamed[found[old_name] + name.removeprefix(old_name)] = tensor
    return renamed


def are_equal(one: Foreign, other: Foreign) -> bool:
    """Whether two files are read as the same network with the same weights."""
    pairs = zip(one.layers, other.layers, strict=True)
    return one.text == other.text and all(
        list(a.arrays) == list(b.arrays) and all(np.array_equal(x, b.arrays[name]) for name, x in a.arrays.items())
        for a, b in pairs
    )


def test_names_of_timm(tmp_path: Path) -> None:
    state = nets.randomized(nets.MobileNetV2(6)).state_dict()
    save_file(state, tmp_path / "a.safetensors")
    save_file(timm_names(state), tmp_path / "b.safetensors")
    one, other = (read_named(tmp_path / f"{name}.safetensors") for name in "ab")
    assert are_equal(one, other) and "param classes = 6" in one.text and len(one.layers) == 105


def test_old_names_of_densenet(tmp_path: Path) -> None:
    state = nets.randomized(nets.DenseNet(classes=4)).state_dict()
    save_file(state, tmp_path / "new.safetensors")
    old = {re.sub(r"(denselayer\d+\.(norm|conv))([12])\.", r"\1.\3.", name): a for name, a in state.items()}
    assert sum(".norm.1." in name for name in old) == 58 * 5
    torch.save({f"module.{name}": tensor for name, tensor in old.items()}, tmp_path / "old.pth")
    assert are_equal(read_named(tmp_path / "new.safetensors"), read_named(tmp_path / "old.pth"))


def test_heads(tmp_path: Path) -> None:
    state = nets.ResNet(nets.BasicBlock, (2, 2, 2, 2)).state_dict()
    file = tmp_path / "a.safetensors"
    save_file(state, file)
    assert read_named(file).text == (ROOT / "specs/resnet18.net").read_text(encoding="utf-8")
    for classes, head in ((37, "gap -> dense(classes, softmax)\n"), (1, "gap -> dense(1)\n")):
        save_file(state | {"fc.weight": torch.zeros(classes, 512), "fc.bias": torch.zeros(classes)}, file)
        assert read_named(file).text.endswith(head)
    save_file({n: t for n, t in state.items() if not n.startswith("fc.")}, file)
    text = read_named(file).text
    assert text.endswith("features -> gap\n") and str(netspec.compile(text).outputs["output"]) == "512"


def test_several_files(tmp_path: Path) -> None:
    state = nets.randomized(text_nets.Bert(10, 6, 64, 1, 8, 1)).state_dict()
    names = list(state)
    parts = {"model-1.safetensors": names[:5], "model-2.safetensors": names[5:]}
    for file, part in parts.items():
        save_file({name: state[name] for name in part}, tmp_path / file)
    index = {"weight_map": {name: file for file, part in parts.items() for name in part}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    assert "embedding(64)" in netspec.import_model(tmp_path / "model.safetensors.index.json").text


def test_from_the_command_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    module = nets.randomized(nets.ResNet(nets.BasicBlock, (2, 2, 2, 2), 3))
    save_file(module.state_dict(), "pets.safetensors")
    assert run(["import", "pets.safetensors", "-o", "net.net", "--weights"]) == 0
    assert "not verified" in capsys.readouterr().out
    text = Path("net.net").read_text()
    assert "use std.resnet" in text and 'init = "net.weights.safetensors"' in text
    assert run(["check", "net.net"]) == 0


# ---------------------------------------------------------------- what cannot be read


def refused(path: Path) -> str:
    """The message for a file; it must be a diagnostic."""
    with pytest.raises(CompileError) as caught:
        netspec.import_model(path)
    return str(caught.value)


def test_networks_that_are_not_known(tmp_path: Path) -> None:
    state = nets.ResNet(nets.BasicBlock, (2, 2, 2, 2)).state_dict()
    file = tmp_path / "net.safetensors"
    save_file({"a": torch.zeros(2)}, file)
    assert "those of no network that netspec knows" in refused(file)
    save_file(state | {"layer1.0.se.weight": torch.zeros(2)}, file)
    assert "it looks like ResNet-18, but has `layer1.0.se.weight`, too" in refused(file)
    save_file({n: t for n, t in state.items() if n != "layer2.0.bn1.running_var"}, file)
    assert "NS575" in refused(file) and "layer2.0.bn1.running_var" in refused(file)
    save_file(state | {"layer1.0.conv2.weight": torch.zeros(64, 2, 3, 3)}, file)
    assert "`layer1.0.conv2` has kernel 3x3x2x64, where the network has kernel 3x3x64x64" in refused(file)


def test_files_that_are_not_state_dicts(tmp_path: Path) -> None:
    whole = tmp_path / "whole.pt"
    torch.save(nets.nn.Linear(2, 2), whole)
    assert "it is a pickled object, not a state dict" in refused(whole)
    script = tmp_path / "script.pt"
    torch.jit.script(nets.nn.Linear(2, 2)).save(str(script))
    assert "it is a program of TorchScript" in refused(script)
    torch.save([1, 2], tmp_path / "list.pth")
    assert "there are no weights in it" in refused(tmp_path / "list.pth")
    large = torch.zeros(1).expand(10**6, 10**6)
    torch.save({"a": large}, tmp_path / "large.pth")
    assert "its weights have" in refused(tmp_path / "large.pth")
    assert "NS570" in refused(tmp_path / "missing.pt") and "NS475" in refused(tmp_path / "missing.safetensors")


def test_damaged_files(tmp_path: Path, *, long: bool) -> None:
    """Cut, or with a changed byte: never anything but a diagnostic, or the same network."""
    state = text_nets.Bert(5, 4, 8, 1, 8, 1).state_dict()
    save_file(state, tmp_path / "a.safetensors")
    torch.save(state, tmp_path / "a.pt")
    rng = np.random.default_rng(0)
    for name in ("a.safetensors", "a.pt"):
        content = (tmp_path / name).read_bytes()
        for case in range(400 if long else 12):
            damaged = bytearray(content)
            place = int(rng.integers(min(len(content), 2000)))
            if case % 3:
                damaged[place] ^= 1 << int(rng.integers(8))
            else:
                del damaged[place:]
            (tmp_path / f"b{name[1:]}").write_bytes(damaged)
            try:
                read_named(tmp_path / f"b{name[1:]}")
            except CompileError:
                continue


def test_without_pytorch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from netspec.interchange.torch.reading.named import files
    from netspec.language.lazy import lazy

    torch.save({"a": torch.zeros(1)}, tmp_path / "a.pth")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setattr(files, "torch", lazy("torch"))
    assert "NS574" in refused(tmp_path / "a.pth")
