"""Runs standalone models where netspec cannot be imported: `python -I without_netspec.py FOLDER`.

FOLDER has one folder for each model, with `model.py`, `inputs.npz` and `weights.npz`; `found.npz` is written there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


class Blocker:
    """Hides an installed netspec."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == "netspec":
            raise ModuleNotFoundError("netspec is hidden")


def filled(network: Any, given: Any) -> Any:
    """A network with these weights; none are drawn, which would take most of the time."""
    graph, state = nnx.split(nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0))))
    flat = []
    for path, variable in nnx.to_flat_state(state):
        name = "/".join(map(str, path))
        if name in given:
            value = jnp.asarray(given[name])
        else:
            value = jax.random.key(0) if isinstance(variable, nnx.RngKey) else jnp.zeros((), variable.dtype)
        flat.append((path, variable.replace(value)))
    return nnx.merge(graph, nnx.from_flat_state(flat))


def forward(net: Any, inputs: list[Any]) -> dict[str, np.ndarray]:
    net.eval()
    y = nnx.jit(lambda net, *inputs: net(*inputs))(net, *inputs)
    return {name: np.asarray(value) for name, value in (y if isinstance(y, dict) else {"y": y}).items()}


def weights(module: Any) -> dict[str, np.ndarray]:
    """The weights and the state by path, without random keys."""
    flat = nnx.to_flat_state(nnx.state(module))
    return {"/".join(map(str, path)): np.asarray(v[...]) for path, v in flat if not isinstance(v, nnx.RngState)}


def run(folder: Path) -> None:
    namespace: dict[str, Any] = {"__name__": f"model_{folder.name}"}
    exec(compile((folder / "model.py").read_text(encoding="utf-8"), "model.py", "exec"), namespace)
    network = [v for v in namespace.values() if isinstance(v, type) and v.__module__ == namespace["__name__"]][-1]
    inputs = [value for _, value in sorted(np.load(folder / "inputs.npz").items())]
    results = forward(filled(network, np.load(folder / "weights.npz")), inputs)
    found = {f"result/{name}": value for name, value in results.items()}
    if folder.name == "mlp":
        net = network(rngs=nnx.Rngs(3))
        found.update({f"first/{name}": value for name, value in weights(net).items()})
        found["trained/y"] = np.asarray(net(*inputs))
    np.savez(folder / "found.npz", **found)


def main() -> None:
    sys.meta_path.insert(0, Blocker())  # type: ignore[arg-type]
    try:
        import netspec  # noqa: F401
    except ModuleNotFoundError:
        for folder in sorted(Path(sys.argv[1]).iterdir()):
            run(folder)
    else:
        raise SystemExit("netspec can be imported")


if __name__ == "__main__":
    main()
