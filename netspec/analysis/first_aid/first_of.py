"""Which training first aid looks at where a spec asks for several."""

from __future__ import annotations

from netspec.spec.experiment import SpecExperiment


def first_of(prepared: SpecExperiment) -> SpecExperiment:
    """A single training: that of the first fold of a cross-validation, that of the first of several seeds.

    Raises:
        CompileError: the examples of the fold do not fit.
    """
    if prepared.compilation.data.is_cross_validation:
        prepared = prepared.with_fold(1)
    return prepared.with_seed(prepared.recipe.seed) if prepared.compilation.train.seeds > 1 else prepared
