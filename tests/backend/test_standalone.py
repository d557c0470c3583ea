"""`compile --standalone`: source that runs where netspec is not installed, and computes what the live model does."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from flax import nnx

import netspec
from netspec.backend.emit import emit_source
from netspec.backend.names import file_names
from netspec.backend.standalone import helper_names
from netspec.model import Model

from .nets import NETS

RUNNER = """
import sys

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "netspec":
            raise ModuleNotFoundError("netspec is not installed here")

sys.meta_path.insert(0, Blocker())
try:
    import netspec
except ModuleNotFoundError:
    pass
else:
    raise SystemExit("netspec can be imported")

from pathlib import Path
import numpy as np
from flax import nnx

def run(folder):
    namespace = {"__name__": f"model_{folder.name}"}
    exec(compile((folder / "model.py").read_text(), "model.py", "exec"), namespace)
    network = [v for v in namespace.values() if isinstance(v, type) and v.__module__ == namespace["__name__"]][-1]
    net = network(rngs=nnx.Rngs(3))
    given = np.load(folder / "inputs.npz")
    inputs = [given[name] for name in given.files]
    found = {f"first/{k}": v for k, v in weights(net).items()}
    if folder.name in ("mlp", "blocks"):
        net.train()
        found.update({f"trained/{k}": v for k, v in results(net(*inputs)).items()})
    set_weights(net, np.load(folder / "weights.npz"))
    net.eval()
    found.update({f"result/{k}": v for k, v in results(net(*inputs)).items()})
    np.savez(folder / "found.npz", **found)

def set_weights(net, given):
    flat = []
    for path, variable in nnx.to_flat_state(nnx.state(net)):
        name = "/".join(map(str, path))
        flat.append((path, variable.replace(given[name]) if name in given else variable))
    nnx.update(net, nnx.from_flat_state(flat))

def weights(net):
    flat = nnx.to_flat_state(nnx.state(net))
    return {"/".join(map(str, path)): v[...] for path, v in flat if not isinstance(v, nnx.RngState)}

def results(y):
    return y if isinstance(y, dict) else {"y": y}

for folder in sorted(Path(sys.argv[1]).iterdir()):
    run(folder)
"""


def weights(module: Any) -> dict[str, np.ndarray]:
    flat = nnx.to_flat_state(nnx.state(module))
    return {"/".join(map(str, path)): np.asarray(v[...]) for path, v in flat if not isinstance(v, nnx.RngState)}


def inputs_of(model: Model) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    found = {}
    for name, shape in model.inputs.items():
        sizes = (3, *(size if isinstance(size, int) else 8 for size in shape.sizes))
        found[name] = rng.integers(0, 20, sizes) if shape.is_tokens else rng.normal(size=sizes).astype(np.float32)
    return found


def standalone(model: Model) -> str:
    return emit_source(model.compilation.optimised, standalone=True)


def run_without_netspec(root: Path) -> dict[str, dict[str, np.ndarray]]:
    """What every standalone model computes, in one process that has never heard of netspec."""
    for name, text in NETS.items():
        folder = root / name
        folder.mkdir()
        model = netspec.compile(text)
        (folder / "model.py").write_text(standalone(model))
        np.savez(folder / "inputs.npz", **inputs_of(model))
        np.savez(folder / "weights.npz", **weights(model.module_class(rngs=nnx.Rngs(8))))
    subprocess.run([sys.executable, "-I", "-c", RUNNER, str(root)], check=True, cwd=root)
    return {name: dict(np.load(root / name / "found.npz")) for name in NETS}


def part(found: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{name}/"): value for key, value in found.items() if key.startswith(f"{name}/")}


def check_equal(found: dict[str, np.ndarray], wanted: Any, where: str, tolerance: float) -> None:
    expected = wanted if isinstance(wanted, dict) else {"y": wanted}
    assert found.keys() == expected.keys(), where
    for key, value in expected.items():
        assert np.allclose(found[key], value, rtol=tolerance, atol=tolerance / 10), f"{where}: {key}"


def test_outputs_equal_those_of_the_live_model(tmp_path: Path) -> None:
    """With weights handed over, and with those of the same seed, also while training, where dropout and batchnorm work."""
    for name, found in run_without_netspec(tmp_path).items():
        model = netspec.compile(NETS[name], seed=3)
        inputs = inputs_of(model).values()
        check_equal(part(found, "first"), weights(model.module), f"{name}, first weights", 0.0)
        if part(found, "trained"):
            trained, _ = model.apply(model.init(3), *inputs, train=True)
            check_equal(part(found, "trained"), trained, f"{name}, training", 1e-5)
        check_equal(part(found, "result"), netspec.compile(NETS[name], seed=8)(*inputs), f"{name}, result", 1e-5)


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
    assert imports <= {"nnx", "Any"}


class _WithPrefix(ast.NodeTransformer):
    """Puts `nn.` in front of the helpers."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        if node.id not in helper_names():
            return node
        return ast.Attribute(ast.Name("nn", ast.Load()), node.id, node.ctx)


def test_the_nets_use_every_helper() -> None:
    used: set[str] = set()
    for text in NETS.values():
        used |= file_names(netspec.compile(text).compilation.optimised, standalone=True).used
    called_by_others = {"Frozen"}
    assert helper_names() - called_by_others <= {name.removeprefix("nn.") for name in used}


def test_shipped_specs_are_short_without_netspec() -> None:
    """A helper comes along only where it is called."""
    source = standalone(netspec.compile(Path(__file__).parents[2] / "specs" / "mnist_cnn.net"))
    functions = [node.name for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    assert functions == ["flatten"]


def test_functions_of_other_packages_are_imported() -> None:
    text = "input 2\nscale(2)"
    model = netspec.compile(text)
    assert jax.tree.leaves(nnx.state(model.module)) == []
    assert "import jax" not in model.source
