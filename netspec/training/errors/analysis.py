"""NS508 to NS513: weights to start from, gradients that are wrong, rates that are looked for in vain."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NothingTaken(Diagnostic):
    """A net is to start from the weights of another one, and none of these goes with it.

    Weights are matched by their names, such as `conv1/kernel`, and their shapes. Layers without a name of their own are
    called after their word and counted, so a layer that was put in front shifts the names behind it; give the layers
    that both nets have the same names.
    """

    code = "NS509"
    title = "`{source}` has no weight that goes with {what}"
    label = "{reason}"
    hint = "weights go by name and shape: give the layers that both nets have the same names and sizes"
    source: str
    what: str
    reason: str


class PartlyTaken(Diagnostic):
    """Some weights of a net start as those of another one, and some do not.

    That is as it should be where a net gets a new last layer. `init_parts` names the blocks that are wanted; then only
    what is missing of these is told.
    """

    code = "NS510"
    severity = "warning"
    title = "{taken} of {all} weights start as those of `{source}`, the others as random numbers"
    hint = "{list}"
    taken: int
    all: int
    source: str
    list: str


class NoStart(Diagnostic):
    """The weights that a net is to start from cannot be read.

    `init` names a run folder, or a safetensors file. It is looked for beside the spec, and then in the current folder.
    """

    code = "NS511"
    title = "there are no weights to start from in `{source}`: {reason}"
    hint = "give a run folder such as runs/digits-1, or a .safetensors file, seen from the spec or the current folder"
    source: str
    reason: str


class PartsOfNothing(Diagnostic):
    """`init_parts` says which layers take weights from elsewhere, and nothing says from where."""

    code = "NS508"
    title = "`init_parts` without `init`: there are no weights to take"
    hint = 'add `init = "runs/…"`, the run whose weights are wanted'


class WrongGradient(Diagnostic):
    """`netspec check --gradients` finds that the gradient of a layer is not the slope of its result.

    The gradient that training follows is compared with finite differences: a number is moved a little, and what the
    result does is measured. A layer written in JAX gets its gradient from JAX and is right; a layer with a
    `jax.custom_vjp`, a `stop_gradient` or a rounded value in it may not be. Where that is meant, as in a
    straight-through estimator, the message can be left alone.
    """

    code = "NS512"
    title = "the gradient of `{layer}` is wrong: for {part} it is off by {error}"
    label = "its greatest relative error may be {tolerance}"
    hint = "look at `custom_vjp`, `stop_gradient` and rounding in the layer; JAX derives the gradient of anything else"
    layer: str
    part: str
    error: str
    tolerance: str


class NoRateFound(Diagnostic):
    """`netspec lr` finds no rate at which the loss falls.

    Either it is flat over all rates, so that nothing is learned (dead units, inputs that say nothing about the
    answers), or it explodes before it falls (inputs that are far from 1; `normalize = standard` brings them there).
    """

    code = "NS513"
    title = "the loss falls at no rate from {low} to {high}"
    hint = "look at the inputs (`normalize = standard` in the `data` section), at the net, or take more `--steps`"
    low: str
    high: str
