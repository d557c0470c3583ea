"""These tests train: they share compiled programs."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from netspec.cli.main import run
from tests.compiled_programs import compiled_programs as compiled_programs


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page whose requests and whose errors are mistakes."""
    opened = browser.new_page(viewport={"width": 1200, "height": 900})
    found: list[str] = []
    opened.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: found.append(str(error)))
    opened.on("request", lambda request: None if request.url.startswith("file:") else found.append(request.url))
    yield opened
    opened.close()
    assert found == []


TABLE = """# Flowers </pre><script>alert(1)</script> & "others"
dense(4, relu) -> dense(classes, softmax)
data {
    source = csv("iris.csv", target = "kind <b>", missing = median)
    val = 20%
    normalize = standard
}
train { epochs = 3; optimizer = adam(0.02); watch = gradients; schedule = cosine; seeds = 2 }
""".replace("; ", "\n")
IMAGES = """input 8x8x1
conv(2, 3x3, relu) -> maxpool(4) -> dense(classes, softmax)
data { source = digits
limit = 200 }
train { epochs = 2 }
"""


def flowers() -> pd.DataFrame:
    """The table of the runs: some cells are missing, and texts look like HTML."""
    frame = load_iris(as_frame=True)
    table = frame.frame.drop(columns="target")
    table["kind <b>"] = [f"<i>{frame.target_names[i]}" for i in frame.target]
    table.iloc[::9, 1] = np.nan
    return table


@pytest.fixture(scope="package")
def runs(compiled_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `table-1`, of two seeds, and `images-1`; tests only read them."""
    folder = tmp_path_factory.mktemp("reported")
    flowers().to_csv(folder / "iris.csv", index=False)
    for name, spec in (("table", TABLE), ("images", IMAGES)):
        (folder / f"{name}.net").write_text(spec)
        assert run(["train", str(folder / f"{name}.net"), "--runs", str(folder / "runs")]) == 0
    return folder / "runs"
