"""The sections of a spec: importing this module declares them. And what can be said of them before data are loaded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netspec.data.augment_checks import check_augment
from netspec.data.checks import check_facts, join_targets, pair_names
from netspec.data.settings import DataSettings, check_settings
from netspec.diagnostics import CompileError
from netspec.graph.cost import weights_by_layer
from netspec.graph.values import BAD
from netspec.heads import data_heads, input_shapes, input_spans, recipe_heads
from netspec.train.chain_checks import check_layers_and_chain
from netspec.train.recipe import make_recipe
from netspec.train.settings import TrainSettings

if TYPE_CHECKING:
    from netspec.data.base import Facts
    from netspec.graph.ir import Graph
    from netspec.pipeline import Compilation

__all__ = ["DataSettings", "TrainSettings", "check_sections"]


def check_sections(spec: Compilation, graph: Graph, facts: Facts | None) -> None:
    """Add to the problems of a spec what does not fit together in its data, its network and its settings."""
    if facts is not None and spec.given_facts is None:
        _check_facts(spec, graph, facts)
    elif facts is None and spec.section("train") is not BAD:
        check_layers_and_chain(spec.train, weights_by_layer(graph), spec.setting_spans("train"), spec.problems)
    _check_augment(spec, graph, facts)


def _check_augment(spec: Compilation, graph: Graph, facts: Facts | None) -> None:
    """Whether the network can be trained on varied examples."""
    data, train = spec.section("data"), spec.section("train")
    if data is BAD or not data.augment:
        return
    loss = train.loss if train is not BAD else None
    for diagnostic in check_augment(
        data.augment,
        input_shapes(graph),
        recipe_heads(graph),
        facts,
        target_is_input=data.target is not None,
        one_class_loss=loss.word if loss is not None and not loss.takes_shares else None,
        span=spec.setting_spans("data").get("augment"),
        spans=spec.chain_spans("data", "augment"),
    ):
        spec.problems.add(diagnostic)


def _check_facts(spec: Compilation, graph: Graph, facts: Facts) -> None:
    """What can be said of the data, the network and the settings before any data are loaded."""
    spans = spec.setting_spans("data")
    span = spans.get("source")
    found = check_settings(spec.data, facts, spans)
    found += check_facts(
        facts, input_shapes(graph), data_heads(graph), input_spans=input_spans(graph), source_span=span
    )
    for diagnostic in found:
        spec.problems.add(diagnostic)
    if spec.problems.errors or spec.section("train") is BAD:
        return
    heads = recipe_heads(graph)
    facts = join_targets(facts, heads)
    targets = {name: facts.targets[key] for name, key in pair_names(facts.targets, heads).items()}
    try:
        spans = spec.setting_spans("train")
        has_val, layers = bool(spec.data.val), weights_by_layer(graph)
        make_recipe(spec.train, heads, targets, has_val=has_val, spans=spans, layers=layers)
    except CompileError as wrong:
        for diagnostic in wrong.diagnostics:
            spec.problems.add(diagnostic)
