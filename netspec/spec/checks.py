"""Everything that is checked before the first step. `netspec train` and `netspec check` call the same functions.

Input: a `Compilation`, and data or the source that it names. Output: the splits and the recipe, or diagnostics. JAX is
not imported here, so that `netspec check` stays fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from netspec.compiler.elaborate.values import BAD
from netspec.compiler.ir.cost import rows, weights_by_layer
from netspec.data.checks.network import pair_names
from netspec.data.dataset.dataset import Dataset
from netspec.data.dataset.from_batches import dataset_of_batches
from netspec.data.dataset.lazy_rows import Array, is_streamed
from netspec.data.errors.files import NoEffect
from netspec.data.errors.network import ConstantColumns
from netspec.data.errors.reading import NoData, SourceNotUsed
from netspec.data.errors.series import NeedsPadding
from netspec.data.errors.streaming import NeedsAllExamples
from netspec.data.load import read_dataset
from netspec.data.predict.preprocessing import Preprocessing, check_preprocessing
from netspec.data.prepare import prepare_data
from netspec.data.prepare_batches import (
    Converter,
    check_batch_settings,
    statistics_examples,
    with_batches,
    without_splits,
)
from netspec.data.settings import DataSettings
from netspec.data.sources.streaming import streamed_warning
from netspec.data.splits.split import Splits
from netspec.data.transforms.encoders import Encoder
from netspec.data.transforms.normalization import Normalization
from netspec.language.diagnostics import Diagnostic, Problems, Unplaced, fail
from netspec.language.lazy import np
from netspec.layers.sequence.tokens import FilledSteps
from netspec.spec.compilation import Compilation
from netspec.spec.network_ends import input_shapes, input_spans, output_heads, self_scaling_inputs
from netspec.spec.sections import check_batches, check_expected, check_schedule_time, train_spans
from netspec.training.errors.analysis import PartsOfNothing
from netspec.training.errors.outputs import Imbalanced, LargeDelta, TargetsAsTheyAre, TestDecides
from netspec.training.errors.recipe import BeginsTooLate, NotInstalled, UnknownLayer
from netspec.training.loop.start_match import find_start, match, report_transfer, shapes_of_file
from netspec.training.losses.regression import Huber
from netspec.training.optimizers.layer_selection import advise_layer, names_of
from netspec.training.recipe.outputs import check_target_values, normalizable_heads
from netspec.training.recipe.recipe import Recipe, make_recipe
from netspec.training.recipe.settings import missing_packages

MAX_DELTA = 5
"""Standard deviations of the targets: the errors of hardly an example are larger."""

MAX_SHARE, MIN_COUNTED, MAX_COUNTED = 0.9, 50, 10_000_000
"""The share of the most frequent class, and the examples, from which on it is reported; and how many are counted."""


@dataclass(frozen=True)
class Checked:
    """What fits together: the examples, and how they are trained on; with warnings."""

    splits: Splits
    recipe: Recipe
    warnings: tuple[Diagnostic, ...]


def check_training(
    compilation: Compilation,
    dataset: Dataset,
    *,
    is_given: bool = False,
    preprocessing: Preprocessing | None = None,
    scaling: Mapping[str, Normalization] | None = None,
    target_scaling: Mapping[str, Normalization] | None = None,
) -> Checked:
    """Prepare the data of a spec without errors, and check that everything fits.

    Args:
        compilation: the spec.
        dataset: its data.
        is_given: they do not come from the source that the spec names.
        preprocessing: that of a run, which the data are coded by.
        scaling: the statistics to normalize with; None for those of `preprocessing`, or of the training split.
        target_scaling: the same for targets.

    Raises:
        CompileError: with everything that does not fit.
    """
    graph, spans = compilation.optimized, compilation.setting_spans("data")
    if preprocessing is not None:
        scaling, target_scaling = preprocessing.normalization, preprocessing.outputs
    is_scaled = compilation.data.normalize_targets != "none"
    _check_padding(compilation, dataset)
    has_batches = bool(dataset.passes)
    unused = _check_batches(compilation, dataset, is_trained=preprocessing is None) if has_batches else []
    settings = without_splits(compilation.data) if has_batches else compilation.data
    heads = output_heads(graph, compilation.train.loss)
    splits, warnings = prepare_data(
        dataset,
        settings,
        input_shapes(graph),
        heads,
        input_spans=input_spans(graph),
        source_span=spans.get("source"),
        setting_spans=spans,
        self_scaling=self_scaling_inputs(graph),
        scaling=scaling,
        scaled_heads=normalizable_heads(compilation.train, heads) if is_scaled else {},
        target_scaling=target_scaling,
    )
    if preprocessing is not None:
        check_preprocessing(Preprocessing.of(splits), preprocessing)
    if (streamed := streamed_warning(splits.dataset)) is not None:
        warnings.append(streamed)
    if is_given and compilation.data.source is not None:
        warnings.append(SourceNotUsed(span=spans.get("source")))
    examples = len(splits.train)
    if has_batches:
        splits, found = _with_batches(compilation, dataset, splits, settings)
        warnings = [*unused, *(one for one in warnings if not isinstance(one, ConstantColumns)), *found]
    recipe = _recipe(compilation, splits)
    if has_batches:
        train = dataset.passes["train"]
        recipe, examples = recipe.replace(batch=train.first_size), (train.length or 0) * train.first_size
    else:
        warnings += check_batches(graph, compilation, examples)
    warnings += _check_target_scaling(compilation, recipe)
    warnings += [] if has_batches else _check_balance(compilation, splits, recipe)
    if examples and not any(isinstance(problem, BeginsTooLate) for problem in compilation.problems):
        warnings += check_schedule_time(compilation, recipe, examples)
    if recipe.test_decides:
        warnings.append(TestDecides(span=compilation.setting_spans("train").get("stop")))
    _check_values(compilation, splits, recipe)
    return Checked(splits, recipe, tuple(warnings))


def _check_batches(compilation: Compilation, dataset: Dataset, *, is_trained: bool) -> list[Diagnostic]:
    """Warnings about settings without effect on an iterable; raises CompileError for those that need all examples.
    Where nothing is trained, only those matter that change the loss."""
    spans, written = compilation.setting_spans("data"), compilation.setting_spans("train")
    problems = Problems()
    for one in check_batch_settings(compilation.data, dataset.passes, spans):
        if is_trained or getattr(one, "option", "") == "class_weights":
            problems.add(one)
    train = dataset.passes["train"]
    if not is_trained:
        problems.raise_errors()
        return []
    if compilation.train.drop_last:
        advice = "drop it where the iterable is made: `DataLoader(…, drop_last=True)`"
        problems.add(NeedsAllExamples(span=written.get("drop_last"), option="drop_last", advice=advice))
    if "batch" in written and not train.is_hugging_face and compilation.train.batch != train.first_size:
        problems.add(NoEffect(span=written["batch"], option="batch", case="batches", examples=0))
    problems.raise_errors()
    return list(problems)


def _with_batches(
    compilation: Compilation, dataset: Dataset, splits: Splits, settings: DataSettings
) -> tuple[Splits, list[Diagnostic]]:
    graph, spans = compilation.optimized, compilation.setting_spans("data")
    heads = output_heads(graph, compilation.train.loss)
    convert = Converter(dataset.passes["train"], dataset, splits, settings, input_shapes(graph), heads)
    return with_batches(splits, dataset, convert, spans, uses_classes=compilation.uses_classes)


def _check_padding(compilation: Compilation, dataset: Dataset) -> None:
    """Raises CompileError for series of different lengths and an input without padding."""
    graph, facts = compilation.optimized, dataset.facts
    padded = {graph.nodes[n.inputs[0].node].name for n in graph.nodes if isinstance(n.operation, FilledSteps)}
    for name, key in pair_names(facts.inputs, input_shapes(graph)).items():
        if key in facts.ragged and name not in padded:
            array = dataset.train.inputs[key]
            lengths = (~np.isnan(np.asarray(array)[..., 0])).sum(axis=1)
            span = input_spans(graph).get(name)
            wrong = partial(NeedsPadding, span=span, features=array.shape[-1])
            raise fail(wrong(shortest=int(lengths.min()), longest=int(lengths.max())))


def _recipe(compilation: Compilation, splits: Splits) -> Recipe:
    graph = compilation.optimized
    return make_recipe(
        compilation.train,
        output_heads(graph, compilation.train.loss),
        splits.facts.targets,
        has_val=splits.val is not None,
        has_test=splits.test is not None,
        spans=train_spans(compilation),
        layers=weights_by_layer(graph),
        class_weights=splits.class_weights,
        target_scaling=splits.target_scaling,
        expected=[expectation.name for expectation in compilation.measured],
    )


def _check_target_scaling(compilation: Compilation, recipe: Recipe) -> list[Diagnostic]:
    """What is not as a reader of the spec would expect it of the targets and their units."""
    found: list[Diagnostic] = []
    scales = {name: output.scale for name, output in recipe.outputs.items() if output.scale is not None}
    written = compilation.setting_spans("data").get("normalize_targets")
    if written is not None and compilation.data.normalize_targets == "standard" and not scales:
        found.append(TargetsAsTheyAre(span=written))
    for name, scale in scales.items():
        loss = recipe.outputs[name].loss
        if isinstance(loss, Huber) and loss.delta > MAX_DELTA:
            shown = f"{loss.delta / float(np.mean(scale.std)):.2g}"
            span = compilation.setting_spans("train").get("loss")
            found.append(LargeDelta(span=span, delta=f"{loss.delta:g}", scaled=shown))
    return found


def _check_balance(compilation: Compilation, splits: Splits, recipe: Recipe) -> list[Diagnostic]:
    """A warning where nearly all examples have one class, and neither weights nor metrics take account of it."""
    found: list[Diagnostic] = []
    if "metrics" in compilation.setting_spans("train"):
        return found
    for name, output in recipe.outputs.items():
        ids = splits.train.targets[name]
        is_class = output.target.kind in ("class", "binary") and output.decisions == 1 and not output.counts_positions
        if output.class_weights is not None or not is_class or is_streamed(ids):
            continue
        ids = np.asarray(ids).reshape(-1)
        if ids.dtype.kind not in "iu" or not MIN_COUNTED <= ids.size <= MAX_COUNTED:
            continue
        counts = np.bincount(ids)
        most = int(counts.argmax())
        if MAX_SHARE * ids.size <= counts[most] < ids.size:
            label = output.target.names[most] if output.target.names is not None else str(most)
            span = compilation.setting_spans("data").get("source")
            found.append(Imbalanced(span=span, percent=f"{100 * counts[most] / ids.size:.3g}%", most=label))
    return found


def _check_values(compilation: Compilation, splits: Splits, recipe: Recipe) -> None:
    """Raises CompileError for targets that a loss cannot use, expectations of what is not measured, and packages."""
    problems, spans = Problems(), compilation.setting_spans("train")
    check_target_values(recipe.outputs, splits, spans, problems)
    has = {part: getattr(splits, part) is not None for part in ("train", "val", "test")}
    check_expected(compilation.measured, recipe, has, problems)
    for setting, package in missing_packages(compilation.train).items():
        problems.add(NotInstalled(span=spans.get(setting), setting=setting, package=package))
    problems.raise_errors()


def look_again(compilation: Compilation, dataset: Dataset) -> Dataset:
    """The data of an iterable, with as many of its first examples as the settings of a spec need.

    Raises:
        CompileError: they are not batches (NS665), or unlike each other (NS666).
    """
    data, train = compilation.section("data"), compilation.section("train")
    if data is BAD or train is BAD:
        return dataset
    names, changes = compilation.output_names, []
    for part, passes in dataset.passes.items():
        order_seed = train.seed if data.shuffle and part == "train" else None
        changes.append(passes.settle(train.batch, order_seed, names))
    wanted = statistics_examples(data, dataset, uses_classes=compilation.uses_classes)
    if not any(changes) and (wanted <= len(dataset.train) or dataset.passes["train"].is_whole):
        return dataset
    try:
        return dataset_of_batches(dataset.passes, wanted)
    except Unplaced as bad:
        raise fail(bad.diagnostic()) from None


def load_data(
    compilation: Compilation, device: int | None = None, encoder: Encoder | None = None, *, is_other: bool = False
) -> Dataset:
    """The data of the source that a spec names; `device` is how many bytes a device has for them, `encoder` that of a
    run, which has read them before; `is_other` says that it has read others.

    Raises:
        CompileError: it names none (NS423), or they cannot be read.
    """
    settings = compilation.data
    if settings.source is None:
        raise fail(NoData())
    if encoder is not None:
        source = settings.source
        is_other = is_other or settings.fold is not None  # a fold has learned from some of the examples alone
        settings = settings.replace(source=source.coded_as(encoder) if is_other else source.as_of_run(encoder))
    return _read(compilation, settings, device)


def learn_from_training(compilation: Compilation, rows: Array, device: int | None = None) -> Dataset | None:
    """The data of the source, coded by what only these of its examples say, such as the values of a category; None
    where nothing is learned from them.

    Raises:
        CompileError: they cannot be read.
    """
    settings = compilation.data
    assert settings.source is not None
    learned = settings.source.learning_from(rows)
    return None if learned is settings.source else _read(compilation, settings.replace(source=learned), device)


def _read(compilation: Compilation, settings: DataSettings, device: int | None) -> Dataset:
    try:
        return read_dataset(settings, compilation.data_folder, device)
    except Unplaced as bad:
        compilation.report_bad_data(bad)
        compilation.problems.raise_errors()
        raise


def check_start(compilation: Compilation) -> tuple[Diagnostic, ...]:
    """Whether the weights that `train.init` names are there and fit by name and shape; warnings about the others.

    Raises:
        CompileError: they cannot be read, or none of them fits (NS452, NS508, NS509, NS511).
    """
    settings, spans = compilation.train, compilation.setting_spans("train")
    if settings.init is None:
        if settings.init_parts:
            raise fail(PartsOfNothing(span=spans.get("init_parts")))
        return ()
    path = find_start(settings.init, compilation.source.folder, spans.get("init"))
    theirs = shapes_of_file(path, settings.init, spans.get("init"))
    graph = compilation.network
    known = names_of({row.name: 0 for row in rows(graph)})
    for part in [part for part in settings.init_parts if part not in known]:
        raise fail(UnknownLayer(span=spans.get("init_parts"), name=part, advice=advise_layer(part, known)))
    if theirs is None:
        return ()
    ours = [
        (["/".join((*row.path, *name.split(".")))], sizes)
        for row in rows(graph)
        if not row.is_shared_again
        for name, sizes in row.sizes.items()
    ]
    return report_transfer(match(ours, theirs, settings.init_parts), settings.init, settings.init_parts, spans)
