"""The sections of a spec: importing this module declares them. And what can be said of them before data are loaded."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from netspec.compiler.elaborate.expect import Expectation, check_measurable
from netspec.compiler.elaborate.values import BAD
from netspec.compiler.ir.cost import rows, weights_by_layer
from netspec.data.checks.augmentation import check_augment
from netspec.data.checks.network import check_facts, join_targets, pair_names
from netspec.data.checks.next_token import check_next_token
from netspec.data.dataset.dataset import HoldOut
from netspec.data.settings import DataSettings, check_settings
from netspec.language.diagnostics import CompileError, Diagnostic, Problems, fail
from netspec.language.shape import product
from netspec.spec.network_ends import input_shapes, input_spans, output_heads
from netspec.training.errors.recipe import LeftOver, NoWholeBatch
from netspec.training.losses import plain_losses
from netspec.training.optimizers.checks import check_optimizer
from netspec.training.recipe.recipe import make_recipe
from netspec.training.recipe.settings import TrainSettings
from netspec.training.step.remat import check_remat

if TYPE_CHECKING:
    from netspec.compiler.ir.graph import Graph
    from netspec.data.dataset.dataset import Facts
    from netspec.language.source import Span

__all__ = ["DataSettings", "TrainSettings", "check_sections"]


class Spec(Protocol):
    """What the checks ask of a compiled spec (`netspec.spec.compilation.Compilation`)."""

    problems: Problems
    given_facts: Facts | None
    measured: list[Expectation]

    @property
    def data(self) -> DataSettings: ...

    @property
    def train(self) -> TrainSettings: ...

    def section(self, name: str) -> Any: ...

    def setting_spans(self, section: str) -> dict[str, Span]: ...

    def chain_spans(self, section: str, key: str) -> list[Span]: ...


def check_sections(spec: Spec, graph: Graph, facts: Facts | None) -> None:
    """Add to the problems of a spec what does not fit together in its data, its network and its settings."""
    if facts is not None and spec.given_facts is None:
        _check_facts(spec, graph, facts)
    elif facts is None and spec.section("train") is not BAD:
        train, spans = spec.train, train_spans(spec)
        check_optimizer(train.optimizer, train.freeze, weights_by_layer(graph), spans, spec.problems)
    _check_augment(spec, graph, facts)
    if spec.section("train") is not BAD:
        span = spec.setting_spans("train").get("remat")
        for problem in check_remat(spec.train.remat, weights_by_layer(graph), span):
            spec.problems.add(problem)


def check_batches(graph: Graph, spec: Spec, examples: int) -> list[Diagnostic]:
    """The last batch of an epoch: nothing is left to train on without it, or a batchnorm sees a single number.

    Raises:
        CompileError: `drop_last` drops every example (NS540).
    """
    train, spans = spec.train, spec.setting_spans("train")
    if train.drop_last and examples < train.batch:
        raise fail(NoWholeBatch(span=spans.get("drop_last"), examples=examples, batch=train.batch))
    left = 0 if train.drop_last else examples % train.batch
    if left != 1 and train.batch != 1:
        return []
    frozen = tuple(f"{name}/" for name in train.freeze)
    for row in rows(graph):
        positions = product(row.shape.sizes[:-1])
        if row.word == "batchnorm" and positions == 1 and not f"{row.name}/".startswith(frozen):
            case = "each" if train.batch == 1 else ""
            single = partial(LeftOver, span=spans.get("batch") or row.node.span, case=case, layer=row.name)
            return [single(examples=examples, batch=train.batch)]
    return []


def train_spans(spec: Spec) -> dict[str, Span]:
    """Where the settings of `train` stand, and the words of its optimizer and the names that it freezes, by number."""
    found = spec.setting_spans("train")
    for key in ("optimizer", "freeze"):
        found.update({f"{key}.{i}": span for i, span in enumerate(spec.chain_spans("train", key))})
    return found


def _check_augment(spec: Spec, graph: Graph, facts: Facts | None) -> None:
    """Whether the network can be trained on varied examples."""
    data, train = spec.section("data"), spec.section("train")
    if data is BAD or not data.augment:
        return
    losses = plain_losses(train.loss) if train is not BAD else []
    for diagnostic in check_augment(
        data.augment,
        input_shapes(graph),
        output_heads(graph),
        facts,
        target_is_input=data.target is not None,
        one_class_loss=next((loss.word for loss in losses if not loss.takes_soft_targets), None),
        span=spec.setting_spans("data").get("augment"),
        spans=spec.chain_spans("data", "augment"),
    ):
        spec.problems.add(diagnostic)


def _check_facts(spec: Spec, graph: Graph, facts: Facts) -> None:
    """What can be said of the data, the network and the settings before any data are loaded."""
    spans = spec.setting_spans("data")
    span = spans.get("source")
    found = check_settings(spec.data, facts, spans)
    train = spec.section("train")
    heads_of_data = output_heads(graph, train.loss if train is not BAD else None)
    found += check_facts(facts, input_shapes(graph), heads_of_data, input_spans=input_spans(graph), source_span=span)
    if spec.data.source is not None and spec.data.source.predicts_next:
        found += check_next_token(graph)
    for diagnostic in found:
        spec.problems.add(diagnostic)
    if spec.problems.errors or train is BAD:
        return
    heads = output_heads(graph)
    facts = join_targets(facts, heads)
    targets = {name: facts.targets[key] for name, key in pair_names(facts.targets, heads).items()}
    try:
        spans = train_spans(spec)
        has_val, layers = bool(spec.data.val), weights_by_layer(graph)
        # What the weights are is known when the data are loaded; whether they can be applied, now.
        weighted = [name for name in targets if spec.data.class_weights is not None and targets[name].kind != "numbers"]
        recipe = make_recipe(
            spec.train, heads, targets, has_val=has_val, spans=spans, layers=layers,
            class_weights=dict.fromkeys(weighted, ()), expected=[one.name for one in spec.measured],
        )  # fmt: skip
    except CompileError as wrong:
        for diagnostic in wrong.diagnostics:
            spec.problems.add(diagnostic)
        return
    if spec.train.drop_last and facts.examples is not None:
        hold_out = HoldOut(0, spec.data.val) if facts.has_test or facts.is_complete else spec.data.hold_out
        try:
            check_batches(graph, spec, hold_out.left(facts.examples) * spec.data.repeat)
        except CompileError as wrong:
            spec.problems.add(wrong.diagnostics[0])
    parts = ["train", *(["val"] if has_val else []), *(["test"] if facts.has_test or spec.data.test != 0 else [])]
    check_measurable(spec.measured, [name for part in parts for name in recipe.measured(part)], spec.problems)
