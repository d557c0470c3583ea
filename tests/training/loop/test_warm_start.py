"""Weights of one net as the start of another: what is taken, what is not, and what is said about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from netspec.language.diagnostics import CompileError
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from netspec.spec.experiment import load_init, prepare, train_prepared
from netspec.spec.model import Model
from netspec.storage.tree_paths import Weights
from netspec.storage.weights import flat_weights, load_weights, weights_of
from netspec.training.loop.warm_start import read_start, transfer
from netspec.training.step.engine import Engine

NET = """
def backbone(n) = dense(n, relu) -> batchnorm -> dense(6, relu)
input 4
backbone({width}) -> dense(classes, softmax, name = "{head}")
data {{
    source = iris
    normalize = standard
}}
train {{
    epochs = 1
    {keys}
}}
"""


def spec(folder: Path, keys: str = "", *, width: int = 8, head: str = "head", text: str = NET) -> Compilation:
    source = Source("net.net", text.format(keys=keys, width=width, head=head), folder / "net.net")
    return Compilation(source)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    return train_prepared(prepare(spec(folder)), folder / "runs").run


def flat(module: Any) -> dict[str, Any]:
    return flat_weights(weights_of(module))


def started(found: Any) -> dict[str, Any]:
    """The weights before the first step."""
    return flat_weights(Weights(*Engine(found).first_weights))


def code_of(spec: Compilation) -> tuple[str, str]:
    with pytest.raises(CompileError) as caught:
        load_init(prepare(spec))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    return diagnostic.code, diagnostic.message + diagnostic.label_text + diagnostic.hint_text


def test_the_same_net_starts_where_the_other_ended(trained: Path, tmp_path: Path) -> None:
    found = load_init(prepare(spec(tmp_path, f'init = "{trained}"')))
    weights, saved = started(found), load_weights(trained)
    assert found.warnings == prepare(spec(tmp_path)).warnings
    assert weights.keys() == saved.keys() and all(np.array_equal(weights[k], saved[k]) for k in saved)


def test_a_new_head_is_random_and_told(trained: Path, tmp_path: Path) -> None:
    (warning,) = load_init(prepare(spec(tmp_path, f'init = "{trained}"', head="other"))).warnings
    assert warning.code == "NS510" and not warning.is_error
    assert "8 of 10 weights" in warning.message
    assert "other/kernel (not there)" in warning.hint_text and "not used: head/bias, head/kernel" in warning.hint_text


def test_another_width_leaves_out_what_does_not_fit(trained: Path, tmp_path: Path) -> None:
    found = load_init(prepare(spec(tmp_path, f'init = "{trained}"', width=5)))
    (warning,) = found.warnings
    assert "backbone/dense/kernel (4x8 there, 4x5 here)" in warning.hint_text
    weights, saved = started(found), load_weights(trained)
    assert np.array_equal(weights["head/kernel"], saved["head/kernel"])


def test_parts_take_only_what_is_named(trained: Path, tmp_path: Path) -> None:
    found = load_init(prepare(spec(tmp_path, f'init = "{trained}"\n    init_parts = "backbone"')))
    weights, saved, fresh = started(found), load_weights(trained), started(prepare(spec(tmp_path)))
    assert found.warnings == ()
    for name in weights:
        inside = name.removeprefix("@state/").startswith("backbone/")
        assert np.array_equal(weights[name], saved[name] if inside else fresh[name]), name


def test_weights_go_into_frozen_layers(trained: Path, tmp_path: Path) -> None:
    text = NET.replace("dense(n, relu)", "dense(n, relu, frozen = true)")
    found = load_init(prepare(spec(tmp_path, f'init = "{trained}"', text=text)))
    saved = load_weights(trained)
    assert found.warnings == ()
    assert np.array_equal(started(found)["@state/backbone/dense/kernel"], saved["backbone/dense/kernel"])


def test_a_safetensors_file_beside_the_spec(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes((trained / "weights.safetensors").read_bytes())
    found = load_init(prepare(spec(tmp_path, 'init = "a.safetensors"')))
    assert np.array_equal(started(found)["head/kernel"], load_weights(trained)["head/kernel"])


def test_a_shared_layer_is_known_by_each_of_its_names() -> None:
    net = Model(Compilation(Source("<spec>", "input 4\nshare d = dense(4)\ninput -> d -> relu -> d -> dense(2)")))
    arrays = {"d/kernel": np.full((4, 4), 2.0, np.float32), "d/bias": np.zeros(4, np.float32)}
    found = transfer(net.module, arrays)
    assert set(found.fresh) == {"dense/kernel", "dense/bias"} and not found.unused
    assert np.array_equal(flat(net.module)["d/kernel"], arrays["d/kernel"])


def test_what_cannot_be_started_from(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.safetensors").write_text("no")
    (tmp_path / "empty").mkdir()
    assert code_of(spec(tmp_path, 'init = "runs/none"'))[0] == "NS511"
    assert code_of(spec(tmp_path, 'init = "empty"'))[0] == "NS511"
    assert code_of(spec(tmp_path, 'init = "broken.safetensors"'))[0] == "NS511"


def test_parts_need_something_to_take_from(tmp_path: Path) -> None:
    assert code_of(spec(tmp_path, 'init_parts = "backbone"'))[0] == "NS508"


def test_nothing_that_goes_is_an_error(trained: Path, tmp_path: Path) -> None:
    other = NET.replace("backbone", "trunk")
    code, text = code_of(spec(tmp_path, f'init = "{trained}"', text=other, head="last"))
    assert code == "NS509" and "`trunk/" in text
    code, text = code_of(spec(tmp_path, f'init = "{trained}"\n    init_parts = ["backbone", "last"]', head="last"))
    assert code == "NS509" and "`last`" in text


def test_an_unknown_part_is_told_with_the_nearest(trained: Path, tmp_path: Path) -> None:
    code, text = code_of(spec(tmp_path, f'init = "{trained}"\n    init_parts = "bakbone"'))
    assert code == "NS452" and "backbone" in text


def test_read_start_looks_beside_the_spec_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, trained: Path) -> None:
    monkeypatch.chdir(trained.parent)
    assert read_start(trained.name, tmp_path).arrays.keys() == {
        k.removeprefix("@state/") for k in load_weights(trained)
    }
