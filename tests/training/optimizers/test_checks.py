"""Places of words in an optimizer chain, and layers by their names."""

from __future__ import annotations

import itertools
import random

import pytest

from netspec.language.diagnostics import Diagnostic, Problems
from netspec.language.word import Mismatch
from netspec.training.optimizers import ChainWord
from netspec.training.optimizers.checks import check_optimizer, text_of
from netspec.training.optimizers.layer_selection import LayerNames, is_inside, merge_trees, names_of, split_tree
from netspec.training.optimizers.optax_words import Adam, Sgd
from netspec.training.optimizers.transforms import Clip, Ema, Lookahead, RateOf, WeightDecay
from netspec.training.optimizers.wrappers import Accumulate, SkipNonfinite

WORDS = (SkipNonfinite(), Accumulate(steps=2), Clip(norm=1.0), Adam(), RateOf(names=("a",), factor=0.1), Ema())
LAYERS = {"a": 4, "b/c": 2, "b/d/e": 3, "pool": 0}


def found(chain: tuple[ChainWord, ...], freeze: tuple[str, ...] = ()) -> list[Diagnostic]:
    problems = Problems()
    check_optimizer(chain, freeze, LAYERS, {}, problems)
    return list(problems)


@pytest.mark.parametrize(
    "chain",
    [
        WORDS,
        (Clip(norm=1.0), Accumulate(steps=2), Clip(norm=1.0), Sgd(), Clip(norm=0.1), Lookahead(), Ema()),
        (WeightDecay(decay=0.1), Sgd(), WeightDecay(decay=0.1)),
    ],
    ids=text_of,
)
def test_chains_in_order(chain: tuple[ChainWord, ...]) -> None:
    assert found(chain) == []


def test_the_hint_for_any_order_is_in_order() -> None:
    orders = [order for order in itertools.permutations(WORDS) if found(order)]
    assert len(orders) > 600
    for order in random.Random(0).sample(orders, 60):
        (wrong,) = found(order)
        assert wrong.code == "NS451"
        words = {word.to_source(): word for word in WORDS}
        right = tuple(words[text] for text in wrong.hint_text.removeprefix("write `").removesuffix("`").split(" -> "))
        assert set(right) == set(WORDS) and found(right) == []


@pytest.mark.parametrize(
    ("freeze", "names", "codes"),
    [
        (("a",), (), []),
        (("b",), ("a",), []),
        (("b/d",), ("b",), []),
        (("b",), ("b/c",), ["NS454"]),
        (("b/c", "b/d"), ("b",), ["NS454"]),
        (("a", "b"), (), ["NS453"]),
        (("a", "b/c", "b/d/e"), ("a",), ["NS453"]),
        (("pool",), (), ["NS452"]),
        (("c",), ("b/x", "a/a"), ["NS452", "NS452", "NS452"]),
    ],
)
def test_names_of_layers(freeze: tuple[str, ...], names: tuple[str, ...], codes: list[str]) -> None:
    behind = (RateOf(names=names, factor=0.5),) if names else ()
    assert [d.code for d in found((Adam(), *behind), freeze)] == codes


def test_a_layer_inside_of_a_block_is_pointed_at() -> None:
    (wrong,) = found((Adam(),), ("e",))
    assert wrong.hint_text == 'it is inside a block: "b/d/e"'


def test_a_block_stands_for_all_that_is_in_it() -> None:
    assert names_of(LAYERS) == {"a": 4, "b": 5, "b/c": 2, "b/d": 3, "b/d/e": 3, "pool": 0}
    assert is_inside("b/d/e", "b/d") and not is_inside("bd", "b") and is_inside("a", "a")


def test_names_are_texts() -> None:
    kind = LayerNames()
    assert kind.accept("a") == ("a",) and kind.accept(["a", "b", "a"]) == ("a", "b")
    assert (kind.to_source(("a",)), kind.to_source(("a", "b")), kind.to_source(())) == ('"a"', '["a", "b"]', "none")
    for wrong in ([], [1], "", 3):
        with pytest.raises(Mismatch):
            kind.accept(wrong)


def test_a_tree_is_divided_and_put_together() -> None:
    tree = {"a": {"k": 1, "b": 2}, "b": {0: {"k": 3}, 1: {"k": 4}}}
    left, taken = split_tree(tree, [("a", "k"), ("a", "b"), ("b", 1, "k")])
    assert (left, taken) == ({"b": {0: {"k": 3}}}, {"a": {"k": 1, "b": 2}, "b": {1: {"k": 4}}})
    assert merge_trees(left, taken) == tree
    assert split_tree(tree, []) == (tree, {})
