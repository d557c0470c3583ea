"""Small models, trained once, and one server for the tests that only read it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from filelock import FileLock

import netspec
from netspec.serving.start import Handle
from tests.compiled_programs import compiled_programs as compiled_programs
from tests.serving.client import Client

DIGITS = "input 8x8x1\nflatten -> dense(10, softmax)\ndata { source = digits }\ntrain { epochs = 1 }"
FLOWERS = """
dense(3, softmax)
data { source = csv("flowers.csv", target = "kind", categories = auto) }
train { epochs = 1 }
"""
HOUSES = """
dense(2)
data {
    source = csv("houses.csv", target = ["price", "rent"], task = numbers)
    normalize = standard
}
train { epochs = 1 }
"""
LETTERS = """
embedding(3) -> dense(classes, softmax)
data { source = text("letters.txt", length = 4) }
train { epochs = 1 }
"""
PAIR = "input a: 2\ninput b: 3\n(a | b) -> concat -> dense(1, sigmoid)\ntrain { epochs = 1 }"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A run of each kind of model; processes of tests that run side by side share them."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "served"
    folder.mkdir(exist_ok=True)
    with FileLock(folder / "lock"):
        if not (folder / "done").exists():
            train_all(folder)
            (folder / "done").touch()
    return {name: folder / "runs" / f"{name}-1" for name in ("digits", "flowers", "houses", "letters", "pair")}


def train_all(folder: Path) -> None:
    rng = np.random.default_rng(0)
    kinds = ["rose", "tulip", "daisy"]
    rows = [f"{rng.normal() + i % 3:.3f},{['red', 'white'][i % 2]},{kinds[i % 3]}" for i in range(60)]
    (folder / "flowers.csv").write_text("\n".join(["size,color,kind", *rows]))
    homes = [f"{i},{i % 5},{50_000 * i + 7},{70 + i}" for i in range(1, 41)]
    (folder / "houses.csv").write_text("\n".join(["rooms,floor,price,rent", *homes]))
    (folder / "letters.txt").write_text("the cat sat on the mat. " * 20)
    for name, spec in {"digits": DIGITS, "flowers": FLOWERS, "houses": HOUSES, "letters": LETTERS}.items():
        (folder / f"{name}.net").write_text(spec)
        netspec.train(folder / f"{name}.net", runs=folder / "runs", verbose=0)
    a, b = rng.normal(size=(20, 2)).astype(np.float32), rng.normal(size=(20, 3)).astype(np.float32)
    (folder / "pair.net").write_text(PAIR)
    netspec.train(folder / "pair.net", ({"a": a, "b": b}, a[:, :1] > 0), runs=folder / "runs", verbose=0)


@pytest.fixture(scope="session")
def server(runs: dict[str, Path]) -> Iterator[Handle]:
    with netspec.serve(runs, port=0, max_batch=8, max_wait_ms=1.0) as handle:
        yield handle


@pytest.fixture
def client(server: Handle) -> Iterator[Client]:
    client = Client(server.url)
    yield client
    client.connection.close()
