"""What a spec means: what changes it, what does not, and how differences are told."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path

import pytest

from netspec.language.source import Source
from netspec.runs.align import align
from netspec.runs.diff import Change, compare
from netspec.spec.canonical import Meaning, meaning_of
from netspec.spec.compilation import Compilation, read_source

ROOT = Path(__file__).parents[2]
BASE = """\
param width = 16
input 28x28x1
conv(width, 3x3, relu) -> maxpool(2) -> conv(32, 3x3, relu) -> maxpool(2) -> dense(64, relu) -> dense(10, softmax)
train {
    epochs = 3
    optimizer = adam(1e-3)
}
"""


def meaning(text: str, **given: str) -> Meaning:
    return meaning_of(Compilation(Source("<spec>", text), overrides=given))


def changes(old: str, new: str) -> list[Change]:
    a, b = meaning(old), meaning(new)
    found = compare(a, b)
    serious = [c for c in found.changes if c.section != "expect"]
    assert (a.hash == b.hash) == (not serious)  # the hash and the list of changes say the same
    return list(found.changes)


def texts(old: str, new: str) -> list[str]:
    return [f"{c.kind} {c.section} {c.name}: {c.text}" for c in changes(old, new)]


SAME = {
    "formatting": ("conv(width, 3x3, relu) -> maxpool(2)", "conv( width,3x3,\n  relu )->maxpool( 2 )"),
    "comments": ("input 28x28x1", "# a picture\ninput 28x28x1  # in grey"),
    "names of params": ("width", "breadth"),
    "defaults written out": ("conv(32, 3x3, relu)", "conv(32, kernel = 3x3, activation = relu, stride = 1)"),
    "numbers in another form": ("1e-3", "0.001"),
    "an activation of its own": ("dense(64, relu)", "dense(64) -> relu"),
    "the head on its own": ("dense(10, softmax)", "dense(10) -> softmax"),
    "a flatten that netspec adds": ("-> dense(64", "-> flatten -> dense(64"),
    "what does nothing": ("-> dense(10", "-> identity -> dense(10"),
    "a default of train": ("epochs = 3", "epochs = 3\n    batch = 32"),
    "a number by arithmetic": ("conv(32", "conv(2 * width"),
}


@pytest.mark.parametrize(("old", "new"), SAME.values(), ids=SAME)
def test_what_changes_nothing(old: str, new: str) -> None:
    text = BASE.replace(old, new)
    assert text != BASE
    assert changes(BASE, text) == []


def test_a_block_that_is_opened_is_the_same_work_under_other_names() -> None:
    used = "def twice(n) = dense(n) -> relu -> dense(n)\ninput 8\ntwice(4) -> dense(2)\n"
    found = changes(used, "input 8\ndense(4) -> relu -> dense(4) -> dense(2)\n")
    assert {c.kind for c in found} == {"renamed"}


DIFFERENT = {
    "an option": ("conv(32", "conv(64", ["changed layer conv_2: filters 32 → 64"]),
    "a param": ("width = 16", "width = 8", ["changed layer conv: filters 16 → 8"]),
    "another layer": ("maxpool(2) -> dense", "avgpool(2) -> dense", [
        "removed layer maxpool_2: removed maxpool(2) after conv_2",
        "added layer avgpool: added avgpool(2) after conv_2",
    ]),
    "an inner option": ("relu) -> dense(10", "leaky_relu(0.3)) -> dense(10",
        ["changed layer dense: activation relu → leaky_relu(0.3)"]),
    "a layer more": ("-> dense(10", "-> dropout(0.5) -> dense(10", [
        "added layer dropout: added dropout(0.5) after dense"]),
    "a layer less": (" -> dense(64, relu)", "", ["removed layer dense: removed dense(64, relu) after flatten",
        "renamed layer dense: the same as dense_2, under another name"]),
    "a setting": ("epochs = 3", "epochs = 4", ["changed train epochs: 3 → 4"]),
    "an option of an optimizer": ("adam(1e-3)", "adam(1e-2)", ["changed train optimizer: rate 0.001 → 0.01"]),
    "another optimizer": ("adam(1e-3)", "sgd(0.1)", ["changed train optimizer: adam → sgd(0.1)"]),
    "a chain": ("adam(1e-3)", "clip(1.0) -> adam(1e-3)", ["changed train optimizer: adam → clip(1) -> adam"]),
    "the input": ("28x28x1", "32x32x1", ["changed input x: 28x28x1 → 32x32x1"]),
    "data": ("train {", "data {\n    val = 10%\n}\ntrain {", ["changed data val: 0 → 0.1"]),
    "an expectation": ("train {", "expect { params < 1M }\ntrain {", ["added expect params < 1M: added"]),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "told"), DIFFERENT.values(), ids=DIFFERENT)
def test_what_changes_is_told(old: str, new: str, told: list[str]) -> None:
    assert texts(BASE, BASE.replace(old, new)) == told


def test_wires() -> None:
    net = "input x: 8\na = x -> dense(4)\nb = a -> dense(4)\n(a | b) -> add -> dense(2)\n"
    assert texts(net, net.replace("(a | b)", "(b | b)")) == [
        "changed layer add: inputs dense, dense_2 → dense_2, dense_2"
    ]
    assert texts(net, net.replace("b = a ->", "b = x ->")) == ["changed layer dense_2: inputs dense → x"]


def test_order_counts_since_first_weights_follow_from_it() -> None:
    net = "input x: 8\n{0}\n{1}\n(a | b) -> add -> dense(2)\n"
    a, b = "a = x -> dense(4)", "b = x -> dense(4, tanh)"
    assert {c.section for c in changes(net.format(a, b), net.format(b, a))} == {"layer"}


SHARED = """\
input a: 8
input b: 8
share tower = dense(4) -> relu -> dense(4)
((a -> tower) | (b -> tower)) -> concat -> dense(2)
"""


def test_shared_layers() -> None:
    found = meaning(SHARED)
    first = [layer["name"] for layer in found.layers if layer["shared"] is None and layer["parameters"]]
    again = [found.layers[layer["shared"]]["name"] for layer in found.layers if layer["shared"] is not None]
    assert len(first) == 3 and again == first[:2]
    assert sum(layer["parameters"] for layer in found.layers) == found.totals["parameters"]
    assert changes(SHARED, SHARED.replace(") -> relu", ", relu)")) == []
    alone = SHARED.replace("share tower = ", "def tower = ").replace("tower)", "tower())")
    assert any("shares with" in c.options for c in changes(SHARED, alone))


def test_params_explain_changes_and_are_none_of_their_own() -> None:
    found = compare(meaning(BASE), meaning(BASE, width="32"))
    assert found.params == {"width": ("16", "32")}
    assert found.totals["parameters"] == (105866, 110634)
    assert [c.name for c in found.changes] == ["conv"]


def test_json_comes_back() -> None:
    found = meaning(BASE)
    kept = json.loads(json.dumps(found.as_json()))
    assert Meaning.from_json(kept) == found and kept["hash"] == found.hash
    difference = compare(found, meaning(BASE.replace("conv(32", "conv(64"))).as_json()
    assert json.loads(json.dumps(difference))["changes"][0] == {
        "section": "layer", "kind": "changed", "name": "conv_2", "before": "conv(32, 3x3, relu)",
        "after": "conv(64, 3x3, relu)", "options": {"filters": ["32", "64"]},
    }  # fmt: skip


def test_the_hash_stays_the_same_from_release_to_release() -> None:
    """Runs on people's disks carry it; a new FORMAT is due when what is hashed changes."""
    assert meaning("input 4\ndense(3, softmax)\n").hash == meaning("input 4\ndense(3) -> softmax\n").hash


SPECS = sorted((ROOT / "specs").glob("*.net"))


def test_hashes_of_all_specs_differ_and_so_do_their_changes() -> None:
    found = [meaning_of(Compilation(read_source(path))) for path in SPECS if path.stem not in ("densenet121",)]
    for one in found:
        assert compare(one, one).is_empty
        weights = sum(layer["parameters"] for layer in one.layers)
        assert weights == one.totals["parameters"] + one.totals["frozen"] + one.totals["state"]
    for one, other in combinations(found, 2):
        assert one.hash != other.hash
    small = [one for one in found if len(one.layers) < 40]
    for one, other in combinations(small, 2):
        assert not compare(one, other).is_empty


def test_large_networks_are_compared_in_a_moment() -> None:
    one, other = (meaning_of(Compilation(read_source(ROOT / f"specs/{n}.net"))) for n in ("resnet101", "resnet152"))
    found = compare(one, other)
    assert {c.kind for c in found.changes if c.section == "layer"} <= {"added", "renamed"}


@pytest.mark.parametrize(
    ("old", "new", "block", "copies"),
    [("resnet18", "resnet34", "basic_block", 8), ("resnet50", "resnet101", "bottleneck", 17)],
)
def test_whole_blocks_are_added(old: str, new: str, block: str, copies: int) -> None:
    """He et al. 2015, table 1: 2, 2, 2, 2 and 3, 4, 6, 3 basic blocks; 3, 4, 6, 3 and 3, 4, 23, 3 bottlenecks."""
    one, other = (meaning_of(Compilation(read_source(ROOT / f"specs/{n}.net"))) for n in (old, new))
    added = [c for c in compare(one, other).changes if c.section == "layer" and c.kind == "added"]
    assert len(added) == copies and {c.name.rpartition("_")[0] for c in added} == {block}


def test_blocks_that_only_one_side_has_do_not_hide_equal_layers() -> None:
    """A layer goes into a block: the layers are still those of before, under other names."""
    flat = "input 8\ndense(4) -> relu -> dense(4, tanh) -> dense(2)\n"
    part = "def begin = dense(4) -> relu\ninput 8\nbegin -> dense(4, tanh) -> dense(2)\n"
    assert {c.kind for c in changes(flat, part)} == {"renamed"}


def test_uses_of_a_shared_layer_in_a_row_are_layers_of_their_own() -> None:
    once = "input 8\nshare twice = dense(8, relu)\ntwice -> twice -> dense(2)\n"
    assert texts(once, once.replace("-> dense(2)", "-> twice -> dense(2)")) == [
        "added layer twice: added dense(8, relu) after twice@2"
    ]


def test_pairs_by_name_when_lists_are_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netspec.runs.align.MAX_PAIRS", 1)
    old, new = meaning(BASE).layers, meaning(BASE.replace("-> dense(10", "-> dropout(0.5) -> dense(10")).layers
    moved = [dict(layer, name=layer["name"] + "!") if layer["name"] == "conv" else layer for layer in new]
    pairs = align(old, moved)
    assert next((i, j) for i, j in pairs if i is not None and j is not None) == (1, 1)
    assert (0, None) in pairs and (None, 0) in pairs
    assert sorted(i for i, _ in pairs if i is not None) == list(range(len(old)))
    assert sorted(j for _, j in pairs if j is not None) == list(range(len(new)))
