"""Uses of a block become one class with parameters; blocks of different build become different classes."""

from __future__ import annotations

import re

from netspec.compiler.ir.cost import total_cost
from tests.compiler.backend.live import abstract, compiled, outputs, parameter_count, parameter_paths


def classes(source: str) -> dict[str, str]:
    """The text of every class by name, without its shape comments."""
    parts = re.split(r"^class (\w+)\(nn\.Module\):\n", source, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def shapes(text: str) -> dict[str, tuple[int, ...]]:
    spec = compiled(text)
    module = abstract(spec)
    outputs(spec, module)
    assert parameter_count(module) == total_cost(spec.optimized).trainable
    return {path: shape for path, shape in parameter_paths(module).items() if path.endswith("kernel")}


def test_one_class_with_the_arguments_of_the_definition() -> None:
    text = (
        "input 8x8x1\ndef block(filters, rate = 0.1) = conv(filters, 3x3, bias = false) -> batchnorm -> dropout(rate)\n"
        "block(16) -> block(32, 0.5) -> block(32, rate = 0.2)"
    )
    found = classes(compiled(text).python)
    assert list(found) == ["Block", "Network"]
    assert "def __init__(self, in_features: int, filters: int, rate: float, *, rngs: nn.Rngs):" in found["Block"]
    assert "nn.Conv(in_features, filters, (3, 3), use_bias=False, rngs=rngs)" in found["Block"]
    assert "nn.BatchNorm(filters, momentum=0.9" in found["Block"]
    assert "nn.Dropout(rate, rngs=rngs)" in found["Block"]
    assert "self.block_2 = Block(in_features=16, filters=32, rate=0.5, rngs=rngs)" in found["Network"]
    assert shapes(text) == {
        "block/conv/kernel": (3, 3, 1, 16),
        "block_2/conv/kernel": (3, 3, 16, 32),
        "block_3/conv/kernel": (3, 3, 32, 32),
    }


def test_what_is_equal_everywhere_is_no_parameter() -> None:
    text = "input 4\ndef block(n) = dense(n) -> dense(4)\nblock(8) -> block(8)"
    assert "def __init__(self, *, rngs: nn.Rngs):" in classes(compiled(text).python)["Block"]


def test_multiples_and_fractions() -> None:
    text = "input 16\ndef mlp(n) = dense(4 * n) -> dense(n // 2) -> dense(input.channels)\nmlp(8) -> mlp(12)"
    found = classes(compiled(text).python)["Mlp"]
    assert "nn.Linear(16, 4 * n, rngs=rngs)" in found
    assert "nn.Linear(4 * n, n // 2, rngs=rngs)" in found
    assert shapes(text)["mlp_2/dense_2/kernel"] == (48, 6)


def test_what_no_argument_explains_gets_a_name_of_its_own() -> None:
    text = "input 16\ndef f(n) = dense(n * n + 1) -> dense(16)\nf(2) -> f(3)"
    assert "dense_out_features: int" in classes(compiled(text).python)["F"]
    assert shapes(text)["f_2/dense/kernel"] == (16, 10)


def test_an_argument_called_like_a_made_up_parameter() -> None:
    text = "input 16\ndef f(dense_out_features, n) = dense(n * n + 1) -> dense(dense_out_features)\nf(2, 3) -> f(3, 5)"
    assert shapes(text) == {
        "f/dense/kernel": (16, 10),
        "f/dense_2/kernel": (10, 2),
        "f_2/dense/kernel": (2, 26),
        "f_2/dense_2/kernel": (26, 3),
    }


def test_values_equal_by_chance_do_not_mislead() -> None:
    """True is 1 and 2.0 is 2 in Python; a flag or a rate explains no size."""
    text = "input 6\ndef f(deep, k) = dense(k) -> scale(1 if deep else 2)\nf(true, 1) -> f(true, 2) -> f(false, 1)"
    assert shapes(text) == {"f/dense/kernel": (6, 1), "f_2/dense/kernel": (1, 2), "f_3/dense/kernel": (2, 1)}


def test_different_builds_are_different_classes() -> None:
    text = (
        "input 8\ndef f(deep, act = relu) = (dense(8) -> dense(8, act)) if deep else dense(8, act)\n"
        "f(true) -> f(false) -> f(true, tanh) -> f(true)"
    )
    found = classes(compiled(text).python)
    assert list(found) == ["F", "F2", "F3", "Network"]
    assert "self.f_4 = F(" in found["Network"]
    assert len(shapes(text)) == 7


def test_a_frozen_block_is_another_build() -> None:
    text = "input 4\ndef f(still) = dense(4, frozen = still)\nf(true) -> f(false)"
    assert list(classes(compiled(text).python)) == ["F", "F2", "Network"]
    assert list(shapes(text)) == ["f_2/dense/kernel"]


def test_numbers_reach_inner_blocks() -> None:
    text = (
        "input 8\ndef inner(n, k) = dense(n) -> dense(k)\ndef outer(n) = inner(n, 2 * n) -> inner(2 * n, 8)\n"
        "outer(3) -> outer(5)"
    )
    found = classes(compiled(text).python)
    assert list(found) == ["Inner", "Outer", "Network"]
    assert shapes(text) == {
        "outer/inner/dense/kernel": (8, 3),
        "outer/inner/dense_2/kernel": (3, 6),
        "outer/inner_2/dense/kernel": (6, 6),
        "outer/inner_2/dense_2/kernel": (6, 8),
        "outer_2/inner/dense/kernel": (8, 5),
        "outer_2/inner/dense_2/kernel": (5, 10),
        "outer_2/inner_2/dense/kernel": (10, 10),
        "outer_2/inner_2/dense_2/kernel": (10, 8),
    }


def test_kernels_inits_and_weights() -> None:
    text = (
        "input 8x8x2\ndef f(kernel, spread) = conv(2, kernel, init = normal(spread))\n"
        "f(3x3, 0.1) -> f(1x5, 0.2) -> f(3, 0.3)"
    )
    found = classes(compiled(text).python)
    assert list(found) == ["F", "Network"]
    assert "nn.initializers.normal(spread)" in found["F"]
    assert shapes(text)["f_2/conv/kernel"] == (1, 5, 2, 2)
    lists = "input 3x3x1\ndef f(w) = conv(1, 3x3, weights = w)\n" + " -> ".join(
        f"f([[{n}, 0, 0], [0, 0, 0], [0, 0, 1]])" for n in (1, 2, 1)
    )
    assert list(classes(compiled(lists).python)) == ["F", "F2", "Network"]


def test_blocks_with_several_outputs_and_inputs() -> None:
    text = (
        "input a: 4\ninput b: 6\ndef split = (dense(2) | dense(3) | identity)\ndef join = concat -> dense(4)\n"
        "(a | b) -> join -> split -> join -> split -> concat"
    )
    assert shapes(text)["join_2/dense/kernel"] == (9, 4)


def test_captured_tensors_become_inputs() -> None:
    text = (
        "input 4\nh = input -> dense(6)\ndef inner = (identity | h) -> concat\ndef outer = inner -> dense(5) -> inner\n"
        "input -> outer -> outer"
    )
    found = classes(compiled(text).python)
    assert "def __call__(self, x, h):" in found["Outer"]
    assert shapes(text) == {
        "dense/kernel": (4, 6),
        "outer/dense/kernel": (10, 5),
        "outer_2/dense/kernel": (17, 5),
    }


def test_a_definition_that_is_used_last_loses_its_softmax_to_the_network() -> None:
    text = "input 4\ndef f(n) = dense(n, softmax)\nf(4) -> f(4) -> f(3)"
    source = compiled(text).python
    assert list(classes(source)) == ["F", "F2", "Network"]
    assert "return nn.softmax(self.logits(x))" in source


def test_deep_nesting() -> None:
    definitions = "\n".join(f"def f{i} = f{i - 1} -> dense({i})" for i in range(1, 30))
    found = shapes(f"input 4\ndef f0 = dense(4)\n{definitions}\nf29")
    assert len(found) == 30
    assert "f29/" not in "".join(found) or any(path.count("/") >= 29 for path in found)
