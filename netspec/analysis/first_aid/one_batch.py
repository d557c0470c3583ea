"""The experiment of memorizing one batch: the first batch of a spec, without what keeps a network from it.

Input: an experiment. Output: one whose epoch is a single step over the same examples, and what was left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from flax import nnx

from netspec.nn import GaussianNoise
from netspec.spec.experiment import SpecExperiment
from netspec.training.experiment import MakeModule
from netspec.training.optimizers import ChainWord
from netspec.training.recipe.recipe import Recipe

WATCHED = "gradients"
"""The state keeps the gradient of each step."""
MEANS = ("rmsprop", "ema")
"""Words whose option `decay` says how fast a moving average forgets."""


@dataclass(frozen=True)
class OneBatch:
    """The experiment on its first batch, what of the spec is left out, in words, and where an example of the batch is
    found in the data, in words."""

    job: SpecExperiment
    left_out: list[str]
    where: Callable[[int], str]


def one_batch(job: SpecExperiment) -> OneBatch:
    """The experiment on its first batch.

    Left out is what makes a training generalize and a batch harder to learn: augmentation, dropout and noise, penalties
    and weight decay, smoothed labels, and the schedule of the rate.
    """
    rows = job.order_of_rows(0, job.examples)[: job.recipe.batch]
    recipe, changed = _plain_recipe(job.recipe, len(rows))
    noise = sorted(set(_noise_of(nnx.eval_shape(lambda: job.make_module(nnx.Rngs(0))))))
    left_out = [*(["augmentation"] if job.augment is not None else []), *noise]
    left_out += [*(["l1 and l2 of layers"] if job.penalties else []), *changed]
    batch = replace(
        job,
        make_module=_without_noise(job.make_module),
        recipe=recipe,
        train=job.train.take(rows).loaded(),
        val=None,
        test=None,
        penalties=(),
        shuffle=False,
        augment=None,
    )
    return OneBatch(batch, left_out, lambda row: job.splits.where(int(rows[row])))


def _plain_recipe(recipe: Recipe, examples: int) -> tuple[Recipe, list[str]]:
    left_out = []
    optimizer = tuple(_without_decay(word) for word in recipe.optimizer)
    if optimizer != recipe.optimizer:
        left_out.append("weight decay")
    outputs = {
        name: output.replace(loss=output.loss.replace(smoothing=0.0))
        if getattr(output.loss, "smoothing", 0)
        else output
        for name, output in recipe.outputs.items()
    }
    if any(outputs[name] is not output for name, output in recipe.outputs.items()):
        left_out.append("smoothing of the labels")
    if recipe.schedule:
        left_out.append("schedule")
    return recipe.replace(
        optimizer=optimizer,
        outputs=outputs,
        schedule=(),
        batch=examples,
        devices=None,
        mesh=None,
        remat=False,
        watch=WATCHED,
        drop_last=False,
    ), left_out


def _without_decay(word: ChainWord) -> ChainWord:
    """A word of the optimizer that does not shrink weights; in `MEANS` a decay is that of a mean."""
    return word.replace(decay=0.0) if getattr(word, "decay", 0) and word.word not in MEANS else word


def _noise_of(module: nnx.Module) -> Iterator[str]:
    for _, part in nnx.iter_modules(module):
        if isinstance(part, nnx.Dropout) and part.rate:
            yield f"dropout of {part.rate:g}"
        elif isinstance(part, GaussianNoise) and part.std:
            yield f"noise of {part.std:g}"


def _without_noise(make: MakeModule) -> MakeModule:
    def made(rngs: nnx.Rngs) -> Any:
        module: Any = make(rngs)
        for _, part in nnx.iter_modules(module):
            if isinstance(part, nnx.Dropout):
                part.rate = 0.0
            elif isinstance(part, GaussianNoise):
                part.std = 0.0
        return module

    return made
