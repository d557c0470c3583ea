"""Networks that leave out padded steps are read from ONNX, as netspec and PyTorch write them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import netspec
from netspec.interchange.formats import FORMATS
from netspec.interchange.imports import Imported, import_model
from netspec.language.diagnostics import CompileError
from tests.interchange.conftest import randomize
from tests.interchange.reading.test_onnx_round_trip import network

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")
torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

IDS = "input ids: 9 tokens(20, pad = 0)"
NETS = {
    "mean_pool": f"{IDS}\nids -> embedding(6) -> mean_pool",
    "first": f"{IDS}\nids -> embedding(6) -> first",
    "last": f"{IDS}\nids -> embedding(6) -> last",
    "lstm": f"{IDS}\nids -> embedding(6) -> lstm(5) -> lstm(4, return = last)",
    "reverse": f"{IDS}\nids -> embedding(6) -> gru(5, reverse = true) -> rnn(4, reverse = true, return = last)",
    "sum": f"{IDS}\nids -> embedding(6) -> bidirectional(gru(5), merge = add) -> last",
    "attention": f"{IDS}\nids -> embedding(6) -> attention(2) -> mean_pool",
    "causal": f"{IDS}\nids -> embedding(6) -> attention(2, causal = true) -> dense(3)",
    "cross": f"{IDS}\ninput more: 7 tokens(20, pad = 3)\n"
    "(ids -> embedding(6) | more -> embedding(8)) -> attention(2) -> mean_pool",
    "batchnorm": f"{IDS}\nids -> embedding(6) -> conv(5, 3) -> batchnorm -> relu -> mean_pool",
    "any_length": "input ids: T tokens(20, pad = 2)\nids -> embedding(6) -> lstm(5) -> attention(1) -> mean_pool",
}
"""Specs of which each layer leaves out padded steps in another way."""


def text_of(name: str) -> str:
    return f"{NETS[name]}\n"


def exported(name: str) -> tuple[Any, Any]:
    """A network, and its ONNX file."""
    model = netspec.compile(text_of(name))
    randomize(model)
    return model, onnx.load_from_string(FORMATS["onnx"].draft(model, "net.onnx", {}).files["net.onnx"])


def read(proto: Any, folder: Path) -> Imported:
    """The import of a file, which computes the same."""
    onnx.save(proto, folder / "net.onnx")
    imported = import_model(folder / "net.onnx")
    assert imported.verification is not None and imported.verification.difference < 1e-5
    return imported


def refusal(call: Callable[[], object]) -> str:
    with pytest.raises(CompileError) as caught:
        call()
    assert {problem.code for problem in caught.value.diagnostics} == {"NS571"}
    return str(caught.value)


@pytest.mark.parametrize("name", NETS)
def test_round_trip(name: str, tmp_path: Path) -> None:
    model, proto = exported(name)
    imported = read(proto, tmp_path)
    assert network(imported.model) == network(model)
    assert imported.text.count("pad = ") == text_of(name).count("pad = ")


# ---------------------------------------------------------------- files that mask something else


def changed(name: str, kind: str, place: int, other: str) -> Any:
    """A file in which the first operator of a type reads another tensor: the first result of an operator."""
    proto = exported(name)[1]
    node = next(node for node in proto.graph.node if node.op_type == kind)
    node.input[place] = next(node for node in proto.graph.node if node.op_type == other).output[0]
    return proto


@pytest.mark.parametrize(
    ("name", "kind", "place", "other", "reason"),
    [
        ("mean_pool", "Unsqueeze", 0, "Equal", "its mask is not that of the padded steps"),  # the mean of the padding
        ("attention", "Unsqueeze", 0, "Equal", "a mask that is not that of padded steps"),
        ("first", "Cast", 0, "Equal", "it picks steps by a mask"),
    ],
)
def test_other_masks(name: str, kind: str, place: int, other: str, reason: str, tmp_path: Path) -> None:
    proto = changed(name, kind, place, other)
    assert reason in refusal(lambda: read(proto, tmp_path))


def test_a_layer_without_the_mask_of_the_others(tmp_path: Path) -> None:
    proto = exported("lstm")[1]
    second = [node for node in proto.graph.node if node.op_type == "LSTM"][1]
    moved = next(node for node in proto.graph.node if second.input[0] in node.output)
    packed = next(node for node in proto.graph.node if moved.input[0] in node.output)
    moved.input[0] = packed.input[0]
    second.input[4] = ""
    found = refusal(lambda: read(proto, tmp_path))
    assert "padded steps count here, and netspec would leave them out" in found
    second.input[4] = next(node for node in proto.graph.node if node.op_type == "LSTM").input[4]
    assert "its steps are padded at the end alone" in refusal(lambda: read(proto, tmp_path))


def test_two_padding_ids(tmp_path: Path) -> None:
    proto = exported("cross")[1]
    first, second = (node for node in proto.graph.node if node.op_type == "Equal")
    second.input[0] = first.input[0]
    assert "the padding id is 0 here and 3 elsewhere" in refusal(lambda: read(proto, tmp_path))


def test_a_mask_as_an_output(tmp_path: Path) -> None:
    proto = exported("first")[1]
    node = next(node for node in proto.graph.node if node.op_type == "Not")
    proto.graph.output.append(onnx.helper.make_tensor_value_info(node.output[0], 9, None))
    assert node.output[0] in refusal(lambda: read(proto, tmp_path))


# ---------------------------------------------------------------- PyTorch


class Encoder(nn.Module):  # type: ignore[misc]
    """A transformer that does not attend to padding, and what is made of its steps."""

    def __init__(self, reduced: str, *, norm_first: bool = False) -> None:
        super().__init__()
        self.embed, self.out, self.reduced = nn.Embedding(20, 8), nn.Linear(8, 3), reduced
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=norm_first)

    def forward(self, ids: Any) -> Any:
        is_padding = ids == 0
        x = self.layer(self.embed(ids), src_key_padding_mask=is_padding)
        if self.reduced == "mean":
            real = (~is_padding).unsqueeze(-1).to(x.dtype)
            x = (x * real).sum(1) / real.sum(1).clamp(min=1e-9)
        return self.out(x[:, 0] if self.reduced == "first" else x)


class ByHand(nn.Module):  # type: ignore[misc]
    """An attention whose scores are masked in several ways."""

    def __init__(self, form: str) -> None:
        super().__init__()
        self.embed, self.form = nn.Embedding(20, 8), form
        self.maps = nn.ModuleList(nn.Linear(8, 8) for _ in range(4))

    def forward(self, ids: Any) -> Any:
        x, steps = self.embed(ids), ids.shape[1]
        query, key, value = (part(x).view(-1, steps, 2, 4).transpose(1, 2) for part in self.maps[:3])
        scores, real = query @ key.transpose(-1, -2) / 2, ids.ne(0)
        if self.form == "add":
            scores = scores + (1 - real.float())[:, None, None, :] * -1e9
        elif self.form == "fill":
            scores = scores.masked_fill(~real[:, None, None, :], float("-inf"))
        elif self.form == "queries":
            scores = scores.masked_fill(~real[:, None, :, None], -1e9)
        return self.maps[3]((scores.softmax(-1) @ value).transpose(1, 2).reshape(-1, steps, 8))


def from_pytorch(module: Any, folder: Path, *, is_open: bool) -> Imported:
    axes = {"x": {0: "N"}} if is_open else None
    ids = torch.randint(1, 20, (2, 6), generator=torch.Generator().manual_seed(0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(module.eval(), (ids,), folder / "x.onnx", dynamo=False, input_names=["x"], dynamic_axes=axes)
    return read(onnx.load(folder / "x.onnx"), folder)


@pytest.mark.parametrize("is_open", [False, True])
def test_pytorch(is_open: bool, tmp_path: Path) -> None:
    mean = from_pytorch(Encoder("mean", norm_first=True), tmp_path, is_open=is_open)
    assert "tokens(20, pad = 0)" in mean.text and "attention(2)" in mean.text and "-> mean_pool ->" in mean.text
    first = from_pytorch(Encoder("first"), tmp_path, is_open=is_open)
    assert "crop(margin = [[0, 5]])" in first.text  # `first` is the first real step
    for form in ("add", "fill"):
        assert "pad = 0" in from_pytorch(ByHand(form), tmp_path, is_open=is_open).text
    assert "a mask that is not" in refusal(lambda: from_pytorch(ByHand("queries"), tmp_path, is_open=is_open))
