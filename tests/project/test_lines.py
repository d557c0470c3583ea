"""The comparison of lines of code: counted as it says, and of networks that are the same."""

from __future__ import annotations

import runpy
from pathlib import Path

import jax
import pytest
from flax import nnx

from tests.project.zoo import ZOO

LINES = Path(__file__).parents[2] / "benchmarks" / "lines"
COMPARISON = runpy.run_path(str(LINES / "__main__.py"))


def test_python_is_counted_without_what_is_no_code() -> None:
    text = '"""Says what it is."""\n\nimport os\nfrom sys import (\n    path,\n)\n\n# a comment\nx = [\n    1,\n]\n'
    assert COMPARISON["count_python"](text) == 3
    assert COMPARISON["count_python"]('def f(x):\n    """Twice."""\n\n    return 2 * x  # a number\n') == 2


def test_spec_is_counted_without_settings(tmp_path: Path) -> None:
    text = """# a comment
use std.resnet (basic_block)

input 8x8x3

# another
conv(16, 3x3)  # and one more
-> basic_block(16)

expect { params > 1 }
"""
    path = tmp_path / "small.net"
    path.write_text(text)
    block, conv_norm, projection = 6, 2, 1  # lines of the definitions that a basic block is made of
    assert COMPARISON["count_spec"](path) == (3, block + conv_norm + projection)


@pytest.mark.parametrize("name", COMPARISON["NETS"])
def test_flax_twin_is_the_same_network(name: str) -> None:
    """The Keras twins have been counted in the same way; the tests do without Keras."""
    network = runpy.run_path(str(LINES / "flax" / f"{name}.py"))["Model"]
    module = nnx.eval_shape(lambda: network(rngs=nnx.Rngs(0)))
    assert sum(leaf.size for leaf in jax.tree.leaves(nnx.state(module, nnx.Param))) == ZOO[name].parameters


def test_a_third_is_enough() -> None:
    found = [COMPARISON["count"](name) for name in COMPARISON["NETS"]]
    spec = sum(lines.spec for lines in found)
    assert 3 * spec <= sum(lines.keras for lines in found)
    assert 3 * spec <= sum(lines.flax for lines in found)
