"""Everything about a search that is checked before its first trial. `netspec check` and `netspec tune` call it alike.

Input: a `Compilation` with a section `tune`. Output: a `Plan`, or diagnostics. JAX is not imported here.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any

from netspec.compiler.elaborate.values import BAD
from netspec.language.diagnostics import CompileError, Diagnostic, Problems
from netspec.language.record import Frozen
from netspec.language.source import Span
from netspec.language.values import SECONDS
from netspec.search.errors import CannotSearch, EndFails, MissingOptuna, NoSuchGoal, NothingToTune
from netspec.search.goals import Goal, goals_of
from netspec.search.settings import OWN_PRUNERS, OWN_SAMPLERS, SIZES, TuneSettings
from netspec.search.spaces.read_space import read_space
from netspec.search.spaces.space import Choice, Dimension, Space, Value, number_source
from netspec.spec.canonical import recipe_of
from netspec.spec.compilation import Compilation
from netspec.spec.diagnose import diagnose_all
from netspec.training.recipe.advice import advise_unmeasured
from netspec.training.recipe.recipe import Recipe


class Plan(Frozen):
    """A search that is known to fit together: what varies, what it is for, and the settings in force."""

    space: Space
    goals: tuple[Goal, ...]
    trials: int
    seconds: float | None
    sampler: str
    pruner: str | None
    seed: int
    seeds: int

    @property
    def uses_optuna(self) -> bool:
        return self.sampler not in OWN_SAMPLERS or self.pruner not in (None, *OWN_PRUNERS)


def has_search(compilation: Compilation) -> bool:
    """Whether a spec has a section `tune`."""
    return "tune" in compilation.resolution.settings


def diagnose_with_search(compilation: Compilation) -> list[Diagnostic]:
    """Every error and warning of a spec; of one without errors those of its section `tune` as well."""
    found = diagnose_all(compilation)
    if has_search(compilation) and not any(problem.is_error for problem in found):
        problems = Problems()
        check_search(compilation, problems)
        found += [problem for problem in problems if problem not in found]
    return found


def plan_search(compilation: Compilation, recipe: Recipe | None = None) -> Plan:
    """The search of a spec without errors.

    Args:
        compilation: the spec.
        recipe: that of the spec with its data; None: as far as it is known without them.

    Raises:
        CompileError: something in its section `tune` is wrong (NS590 to NS596).
    """
    problems = Problems()
    plan = check_search(compilation, problems, recipe)
    problems.raise_errors()
    assert plan is not None
    return plan


def check_search(compilation: Compilation, problems: Problems, recipe: Recipe | None = None) -> Plan | None:
    """Add to the problems what is wrong in the section `tune`; the search, if nothing is."""
    settings: Any = compilation.section("tune")
    if settings is BAD:
        for problem in compilation.problems.errors:
            problems.add(problem)
        return None
    space = read_space(compilation, problems)
    block = compilation.resolution.settings.get("tune")
    if not space.entries and not problems.errors:
        place = block.section.name.span if block is not None else None
        problems.add(NothingToTune(span=place, name=compilation.source.name))
    if problems.errors:
        return None
    spans = compilation.setting_spans("tune")
    goals = _goals(compilation, settings, recipe or recipe_of(compilation), spans.get("goal"), problems)
    sampler = settings.sampler or ("tpe" if find_spec("optuna") is not None else "random")
    _check_method(sampler, settings.pruner, goals, spans, problems)
    _check_corners(compilation, space, problems)
    time = settings.time
    return Plan(
        space=space,
        goals=goals,
        trials=settings.trials,
        seconds=time.value * SECONDS[time.unit] if time is not None else None,
        sampler=sampler,
        pruner=settings.pruner,
        seed=settings.seed,
        seeds=settings.seeds,
    )


def _goals(
    compilation: Compilation, settings: TuneSettings, recipe: Recipe | None, span: Span | None, problems: Problems
) -> tuple[Goal, ...]:
    """The goals; without any the metric by which the best weights are chosen."""
    measured = recipe.measured("val") if recipe is not None and compilation.has_val else []
    if settings.goal is None:
        if recipe is not None and not measured:
            problems.add(NothingToTune(case="no metric", name=compilation.source.name))
        return goals_of((recipe.watched if recipe is not None else "val_loss",))
    for name in settings.goal:
        if recipe is not None and name not in (*measured, *SIZES):
            advice = advise_unmeasured(name, recipe.outputs, {"val": measured} if measured else {})
            problems.add(NoSuchGoal(span=span, name=name, advice=advice))
    return goals_of(settings.goal)


def _check_method(
    sampler: str, pruner: str | None, goals: tuple[Goal, ...], spans: Mapping[str, Span], problems: Problems
) -> None:
    """The sampler and the pruner take that number of goals, and their packages are there."""
    if len(goals) > 1 and pruner is not None:
        problems.add(CannotSearch(span=spans.get("pruner"), case="pruner", name=pruner))
    if len(goals) > 1 and sampler == "cmaes":
        problems.add(CannotSearch(span=spans.get("sampler"), case="sampler", name=sampler))
    if sampler == "grid" and pruner not in (None, *OWN_PRUNERS):
        problems.add(CannotSearch(span=spans.get("pruner"), case="grid", name=pruner or ""))
    if sampler not in OWN_SAMPLERS and not _check_package(sampler, "optuna", spans.get("sampler"), problems):
        return
    if pruner is not None and pruner not in OWN_PRUNERS:
        _check_package(pruner, "optuna", spans.get("pruner"), problems, instead="`pruner = halving`")
    if sampler == "cmaes":
        _check_package(sampler, "cmaes", spans.get("sampler"), problems)
    if sampler == "gp":
        _check_package(sampler, "torch", spans.get("sampler"), problems, install="torch", instead="`sampler = tpe`")


def _check_package(name: str, package: str, span: Span | None, problems: Problems, **options: Any) -> bool:
    if find_spec(package) is not None:
        return True
    problems.add(MissingOptuna(span=span, name=name, package=package, **options))
    return False


def _check_corners(compilation: Compilation, space: Space, problems: Problems) -> None:
    """Each end of each range and each value of each choice compiles."""
    failed: dict[tuple[tuple[str, str], ...], str] = {}
    for dimension, value, point in space.corners():
        key = tuple(point.overrides.items())
        if key not in failed:
            errors = errors_of(at_point(compilation, point.overrides))
            failed[key] = errors[0].message if errors else ""
            if errors:
                problems.add(_end_fails(dimension, value, point.values, errors[0]))


def _end_fails(dimension: Dimension, value: Value, values: Mapping[str, Value], error: Diagnostic) -> Diagnostic:
    shown = ", ".join(f"`{name} = {number_source(given)}`" for name, given in values.items())
    end = f"`{number_source(value)}`"
    more = "leave this value out" if isinstance(dimension, Choice) else "choose other ends of the range"
    return EndFails(
        span=dimension.span, values=shown, value=end, reason=error.message, advice=error.hint_text, more=more
    )


def at_point(compilation: Compilation, overrides: Mapping[str, str]) -> Compilation:
    """The spec with the values of a trial."""
    return compilation.again({**overrides, "train.seeds": "1"}, facts=compilation.given_facts)


def errors_of(compilation: Compilation) -> list[Diagnostic]:
    """What is wrong in a spec, as far as that is known without its data."""
    try:
        compilation.check()
    except CompileError as wrong:
        return [problem for problem in wrong.diagnostics if problem.is_error]
    return []
