"""`compile --standalone`: source that runs where netspec is not installed, and computes what the live model does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.compiler.backend.emit import emit_source
from netspec.compiler.backend.names import file_names
from netspec.compiler.backend.standalone import helper_names
from netspec.nn import using
from netspec.spec.model import Model
from tests.compiler.backend.nets import NETS
from tests.compiler.backend.without_netspec import filled, forward, weights

RUNNER = Path(__file__).with_name("without_netspec.py")


def drawn(network: Any) -> dict[str, np.ndarray]:
    """Weights for a network; variances are positive."""
    rng = np.random.default_rng(5)
    flat = nnx.to_flat_state(nnx.state(nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))))
    shapes = {"/".join(map(str, path)): v.shape for path, v in flat if not isinstance(v, nnx.RngState)}
    found = {name: 0.3 * rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return {name: np.abs(value) + 0.5 if name.endswith("/var") else value for name, value in found.items()}


def inputs_of(model: Model) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    found = {}
    for index, shape in enumerate(model.inputs.values()):
        sizes = (3, *(size if isinstance(size, int) else 8 for size in shape.sizes))
        value = rng.integers(0, 20, sizes) if shape.is_tokens else rng.normal(size=sizes).astype(np.float32)
        found[f"input{index}"] = value
    return found


def standalone(model: Model) -> str:
    return emit_source(model.compilation.optimized, standalone=True)


def run_without_netspec(root: Path) -> dict[str, dict[str, np.ndarray]]:
    """What every standalone model computes, in one process that has never heard of netspec."""
    for name, text in NETS.items():
        folder = root / name
        folder.mkdir()
        model = netspec.compile(text)
        (folder / "model.py").write_text(standalone(model))
        np.savez(folder / "inputs.npz", **inputs_of(model))
        np.savez(folder / "weights.npz", **drawn(model.module_class))
    subprocess.run([sys.executable, "-I", str(RUNNER), str(root)], check=True, cwd=root)
    return {name: dict(np.load(root / name / "found.npz")) for name in NETS}


def test_outputs_equal_those_of_the_live_model(tmp_path: Path) -> None:
    for name, found in run_without_netspec(tmp_path).items():
        model = netspec.compile(NETS[name], seed=3)
        inputs = list(inputs_of(model).values())
        wanted = forward(filled(model.module_class, drawn(model.module_class)), inputs)
        result = {key.removeprefix("result/"): v for key, v in found.items() if key.startswith("result/")}
        assert result.keys() == wanted.keys(), name
        assert all(np.isfinite(v).all() and v.std() > 0 for v in wanted.values()), f"{name}: {wanted}"
        assert all(np.allclose(result[key], wanted[key], rtol=1e-5, atol=1e-6) for key in wanted), name
        if name == "mlp":
            check_one_seed(model, found, inputs)


def check_one_seed(model: Model, found: dict[str, np.ndarray], inputs: list[np.ndarray]) -> None:
    """One seed gives the same weights, and the same dropout while training as Flax' own way of drawing it does."""
    for key, value in weights(model.module).items():
        assert np.array_equal(found[f"first/{key}"], value)
    with using("reference"):
        trained, _ = model.apply(model.init(3), *inputs, train=True)
    assert np.allclose(found["trained/y"], trained, rtol=1e-5)


@pytest.mark.parametrize("name", NETS)
def test_the_network_is_the_last_class(name: str) -> None:
    model = netspec.compile(NETS[name])
    module = ast.parse(standalone(model))
    classes = [node.name for node in module.body if isinstance(node, ast.ClassDef)]
    assert len(classes) == len(set(classes))
    assert isinstance(module.body[-1], ast.ClassDef)
    assert module.body[-1].name == "Network"
    (constructor,) = (n for n in module.body[-1].body if isinstance(n, ast.FunctionDef) and n.name == "__init__")
    assert [a.arg for a in constructor.args.args] == ["self"]
    assert [a.arg for a in constructor.args.kwonlyargs] == ["rngs"]


@pytest.mark.parametrize("name", NETS)
def test_standalone_differs_by_one_import_and_the_helpers(name: str) -> None:
    model = netspec.compile(NETS[name])
    ours, theirs = ast.parse(model.source), ast.parse(standalone(model))
    classes = [node for node in theirs.body if isinstance(node, ast.ClassDef) and node.name not in helper_names()]
    again = [_WithPrefix().visit(node) for node in classes]
    wanted = [node for node in ours.body if isinstance(node, ast.ClassDef)]
    assert [ast.dump(node) for node in again] == [ast.dump(node) for node in wanted]
    imports = {alias.name for node in theirs.body if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imports <= {"nnx", "Any", "partial"}


class _WithPrefix(ast.NodeTransformer):
    """Puts `nn.` in front of the helpers."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in helper_names():
            return node
        return ast.Attribute(ast.Name("nn", ast.Load()), node.id, node.ctx)


def test_the_nets_use_every_helper() -> None:
    used: set[str] = set()
    for text in NETS.values():
        used |= file_names(netspec.compile(text).compilation.optimized, standalone=True).used
    called_by_others = {
        *("Frozen", "RecurrentLayer", "attend", "per_gate", "resize_cubic", "scan_steps", "through_steps"),
    }
    assert helper_names() - called_by_others <= {name.removeprefix("nn.") for name in used}


def test_shipped_specs_are_short_without_netspec() -> None:
    """A helper comes along only where it is called."""
    source = standalone(netspec.compile(Path(__file__).parents[3] / "specs" / "mnist_cnn.net"))
    functions = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    assert functions == ["flatten"]
