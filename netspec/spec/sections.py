"""The sections of a spec: importing this module declares them. And what can be said of them before data are loaded."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import structs

from netspec.compiler.elaborate.expect import Expectation, check_measurable
from netspec.compiler.elaborate.values import BAD
from netspec.compiler.ir.cost import rows, weights_by_layer
from netspec.data.checks.augmentation import check_augment
from netspec.data.checks.network import check_facts, join_targets, pair_names, with_padding
from netspec.data.checks.next_token import check_next_token
from netspec.data.errors.network import SoftmaxOfOne, UnitCount
from netspec.data.settings import DataSettings, check_settings
from netspec.language.diagnostics import CompileError, Diagnostic, Fix, Problems, fail
from netspec.language.shape import product
from netspec.language.vocabulary import words
from netspec.spec.network_ends import input_shapes, input_spans, output_heads
from netspec.training.errors.recipe import BeginsTooLate, LeftOver, NoWholeBatch
from netspec.training.losses import Loss, plain_losses
from netspec.training.optimizers.checks import check_gradient_words, check_optimizer
from netspec.training.recipe.advice import advise_unmeasured
from netspec.training.recipe.outputs import check_chains, default_loss
from netspec.training.recipe.recipe import Recipe, lacks_split, make_recipe
from netspec.training.recipe.settings import Check, TrainSettings
from netspec.training.schedules.build import schedule_text, shorten_times, steps_before
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
        train.check_schedule(Check(spans, problems=spec.problems))
        train.check_mesh(Check(spans, problems=spec.problems))
        heads = output_heads(graph, train.loss)
        check_chains(train, heads, Check(spans, problems=spec.problems))
        for head in heads.values():
            if head.activation == "softmax" and head.units == 1:
                spec.problems.add(SoftmaxOfOne(span=head.span, case="binary"))
    _check_augment(spec, graph, facts)
    if spec.section("train") is not BAD:
        for warning in check_gradient_words(spec.train.optimizer, train_spans(spec)):
            spec.problems.add(warning)
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


def check_schedule_time(spec: Spec, recipe: Recipe, examples: int) -> list[Diagnostic]:
    """Whether every word of the schedule begins before the end of the run."""
    chain, steps, epochs = recipe.schedule, recipe.steps_per_epoch(examples), recipe.epochs
    begins = [steps_before(chain, word, steps) for word in chain]
    index = next((i for i, begin in enumerate(begins) if begin >= steps * epochs), None)
    if index is None:
        return []
    spans = train_spans(spec)
    warning = BeginsTooLate(
        span=spans.get(f"schedule.{index}", spans.get("schedule")),
        following=str(chain[index]),
        before=" -> ".join(map(schedule_text, chain[:index])),
        epochs=f"{epochs} epoch{'s' * (epochs > 1)}",
        shorter=" -> ".join(map(schedule_text, shorten_times(chain, steps * epochs / (2 * begins[-1])))),
        enough=begins[-1] // steps + 1,
    )
    return [warning]


def train_spans(spec: Spec) -> dict[str, Span]:
    """Where the settings of `train` are, and by number the words of its optimizer and schedule and what it freezes."""
    found = spec.setting_spans("train")
    for key in ("optimizer", "freeze", "schedule"):
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
        output_heads(graph, train.loss if train is not BAD else None),
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
    heads = output_heads(graph, train.loss if train is not BAD else None)
    found += check_facts(facts, input_shapes(graph), heads, input_spans=input_spans(graph), source_span=span)
    if spec.data.source is not None and spec.data.source.predicts_next:
        found += check_next_token(graph)
    if train is BAD and "loss" in spec.setting_spans("train"):  # which may need several units for each target
        found = [problem for problem in found if not isinstance(problem, UnitCount)]
    for diagnostic in found:
        spec.problems.add(diagnostic)
    if train is BAD:
        _advise_loss(spec, graph, facts)
    if spec.problems.errors and train is not BAD and not spec.data.val:
        keep = next((word for word in train.keep or () if word.is_final), None)
        lacks_split(train, keep, Check(train_spans(spec), problems=spec.problems))
    if spec.problems.errors or train is BAD:
        if train is not BAD:
            check_chains(train, heads, Check(train_spans(spec), problems=spec.problems))
        return
    facts = with_padding(join_targets(facts, heads), input_shapes(graph), heads)
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
        others = spec.train.replace(stop=(), keep=(), schedule=())  # which may name metrics as well
        with suppress(CompileError):
            recipe = make_recipe(others, heads, targets, has_val=has_val, spans=spans)
            _check_expected_of(spec, recipe, facts)
        return
    if facts.examples is not None:
        hold_out = spec.data.hold_out
        if facts.has_test or facts.is_complete:
            hold_out = hold_out.replace(test=0)
        examples = hold_out.left(facts.examples) * spec.data.repeat
        try:
            check_batches(graph, spec, examples)
            late = check_schedule_time(spec, recipe, examples)
        except CompileError as wrong:
            late = list(wrong.diagnostics)
        for diagnostic in late:
            spec.problems.add(diagnostic)
    _check_expected_of(spec, recipe, facts)


def _check_expected_of(spec: Spec, recipe: Recipe, facts: Facts) -> None:
    has = {
        "train": True,
        "val": bool(spec.data.val),
        "test": facts.has_test or spec.data.test != 0 or bool(spec.data.held_out_fold),
    }
    check_expected(spec.measured, recipe, has, spec.problems)


def _advise_loss(spec: Spec, graph: Graph, facts: Facts) -> None:
    """Where an unknown loss is near one that would not fit the last layer and the targets, advise the default."""
    heads, span = output_heads(graph), spec.setting_spans("train").get("loss")
    facts = join_targets(facts, heads)
    if span is None or len(heads) != 1 or len(facts.targets) != 1:
        return
    [head], [target] = heads.values(), facts.targets.values()
    for problem in spec.problems.errors:
        place = problem.span
        if place is None or place.source is not span.source or not span.start <= place.start < span.end:
            continue
        meant = re.search(r"(?:`|quotes: )(\w+)", problem.advice)
        near = words("loss").get(meant[1]) if meant is not None else None
        if near is None or any(option.is_required for option in near.options()):
            continue
        loss, default = near(), default_loss(head, target)
        if isinstance(loss, Loss) and (reason := loss.misfit(head, target)):
            advice = f"write `{default.word}`: `{loss.word}` does not fit, {reason}"
            fixes = (Fix(place, default.word, is_sure=False),)
            spec.problems.replace(problem, structs.replace(problem, advice=advice, fixes=fixes))


def check_expected(
    expectations: list[Expectation], recipe: Recipe, has: Mapping[str, bool], problems: Problems
) -> None:
    """Report expectations about metrics that are not measured; `has`: which splits there are."""
    measured = {part: recipe.measured(part) for part, is_there in has.items() if is_there}
    known = [name for names in measured.values() for name in names]
    missing = [one.name for one in expectations if one.name not in known]
    advise = partial(advise_unmeasured, outputs=recipe.outputs, measured=measured, others=missing, more=" > …")
    check_measurable(expectations, known, problems, advise)
