"""No name of a spec hides one that emitted source, Flax or Python has for something else."""

from __future__ import annotations

import keyword
from pathlib import Path

import pytest
from flax import nnx

from netspec.compiler.backend.names import FIXED
from netspec.compiler.backend.standalone import helper_names
from netspec.compiler.ir.cost import total_cost
from netspec.compiler.ir.naming import MODULE_NAMES, python_name, unique_name
from netspec.language.source import Source
from netspec.spec.compilation import Compilation
from tests.compiler.backend.live import abstract, compiled, outputs, parameter_count, parameter_paths


def test_every_name_of_a_module_is_reserved() -> None:
    methods = {name for name in dir(nnx.Module) if not name.startswith("_")}
    assert methods <= MODULE_NAMES


def test_what_train_and_eval_switch_is_reserved() -> None:
    """`train()` sets these on every module that has an attribute of the name."""
    layers = [nnx.Dropout(0.5, rngs=nnx.Rngs(0)), nnx.BatchNorm(2, rngs=nnx.Rngs(0))]
    before = [dict(vars(layer)) for layer in layers]
    changed = set()
    for layer, old in zip(layers, before, strict=True):
        layer.eval()
        changed |= {name for name, value in vars(layer).items() if value is not old[name] and isinstance(value, bool)}
    assert changed
    assert changed <= MODULE_NAMES


NASTY = sorted(
    {
        *(MODULE_NAMES | FIXED | helper_names()),
        *keyword.kwlist,
        *("x", "y", "y1", "relu_2", "dense_2", "network", "Network", "net", "in_features", "dense_out_features"),
        *("int", "list", "type", "super", "print", "object", "_", "__", "_a", "__init__", "__class__", "_setattr"),
        *("call", "match", "Module", "Rngs", "Linear", "Block", "block", "kernel", "self_", "nn_", "class_"),
    }
)
"""Names that mean something to Python, to Flax, or to the source around them."""

LANGUAGE = {"true", "false", "input", "if", "else", "and", "or", "not", "def", "share", "output", "param", "use"}


def usable(name: str) -> bool:
    """Whether a spec may give this name to anything."""
    spec = Compilation(Source("<spec>", f"input 4\ndef {name} = dense(4)\n{name}"))
    return name not in LANGUAGE and not spec.diagnose().errors


@pytest.mark.parametrize("standalone", [False, True])
@pytest.mark.parametrize("name", [name for name in NASTY if usable(name)])
def test_a_name_in_every_place(name: str, standalone: bool) -> None:
    texts = {
        "definition": f"input 4\ndef {name}(n) = dense(n) -> dense(4)\n{name}(2) -> {name}(3) -> softmax",
        "parameter": f"input 4\ndef block({name}) = dense({name}) -> dense(4) -> dropout(0.1)\nblock(2) -> block(3)",
        "tensor": f"input 4\n{name} = input -> dense(4)\ndef f = (identity | {name}) -> concat -> dense(4)\n"
        f"h = {name} -> f\nh + {name} -> scale(2) -> flatten",
        "shared": f"input 4\nshare {name} = dense(4)\ndef f(l) = l -> dense(4) -> {name}\n{name} -> f({name})",
        "input": f"input {name}: 4\ninput b: 4\ndef f = dense(4) + {name}\n{name} -> f -> mish",
        "output": f"input 4\noutput {name} = dense(4, softmax)\noutput b = scale(2)",
    }
    for place, text in texts.items():
        spec = compiled(text)
        module = abstract(spec, standalone=standalone)
        module.train()
        module.eval()
        found = outputs(spec, module)
        assert isinstance(found, dict) == (place == "output"), place
        assert parameter_count(module) == total_cost(spec.optimized).trainable, place
        if isinstance(found, dict):
            assert set(found) == {name, "b"}


@pytest.mark.parametrize("name", ["train", "class", "logits", "dense_2", "deterministic", "eval"])
def test_a_layer_with_a_nasty_name_of_its_own(name: str) -> None:
    spec = compiled(f'input 4\ndense(4, name = "{name}") -> dense(4) -> dense(4) -> dropout(0.5) -> dense(4, softmax)')
    module = abstract(spec)
    module.eval()
    outputs(spec, module)
    assert parameter_count(module) == 4 * 20
    assert len(parameter_paths(module)) == 8


def test_names_stay_as_they_are_where_they_can() -> None:
    spec = compiled(
        "input image: 4\ndef block = dense(4)\nshare tower = dense(4)\nh = image -> block -> tower\nh -> block"
    )
    assert set(parameter_paths(abstract(spec))) == {
        f"{path}/{name}" for path in ("block/dense", "block_2/dense", "tower") for name in ("kernel", "bias")
    }
    assert "def __call__(self, image):" in spec.python
    assert "h = self.tower(image)" in spec.python


def test_parameter_paths_are_the_names_of_the_summary() -> None:
    from netspec.compiler.ir.cost import rows

    spec = compiled("input 4\ndef train = dense(4)\ndef _b = train -> dense(2)\n_b -> train")
    assert spec.graph is not None
    paths = {path.rpartition("/")[0] for path in parameter_paths(abstract(spec))}
    assert paths == {row.name for row in rows(spec.graph)}


@pytest.mark.parametrize(
    "definitions",
    [
        ["network", "Network", "net_work", "NetWork"],
        ["a_b", "aB", "a__b", "AB", "ab"],
        ["block", "block2", "block_2", "Block"],
        ["none", "None_", "Net", "net_none"],
    ],
)
def test_classes_of_similar_names(definitions: list[str]) -> None:
    bodies = "\n".join(f"def {name} = dense({index + 2}) -> dense(4)" for index, name in enumerate(definitions))
    spec = compiled(f"input 4\n{bodies}\n{' -> '.join(definitions)}")
    module = abstract(spec)
    assert type(module).__name__ == "Network"
    assert outputs(spec, module).shape == (2, 4)
    assert parameter_count(module) == total_cost(spec.optimized).trainable


@pytest.mark.parametrize(
    "file", ["none", "class", "1st", 'a"""b', "Frozen", "é", "", "train", "a b-c", "_", "import os"]
)
def test_networks_are_called_after_their_files(file: str) -> None:
    spec = Compilation(
        Source(f"{file}.net", "input 4\ndef frozen = dense(4, frozen = true)\nfrozen", Path(f"{file}.net"))
    )
    for standalone in (False, True):
        assert outputs(spec, abstract(spec, standalone=standalone)).shape == (2, 4)


def test_python_names() -> None:
    assert python_name("h") == "h"
    assert python_name("class") == "class_"
    assert python_name("class", {"class_"}) == "class__"
    assert python_name("_h") == "x_h"
    assert python_name("train", MODULE_NAMES) == "train_"
    assert unique_name("block", {"block", "block2"}, {"block3"}) == "block4"
