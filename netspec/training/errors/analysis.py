"""NS508 to NS513: initial weights, wrong gradients, and the learning-rate range test."""

from __future__ import annotations

from netspec.language.diagnostics import Diagnostic


class NothingTaken(Diagnostic):
    """No weight of the run that training is to start from fits the network.

    Weights are matched by name, such as `conv1/kernel`, and shape. Layers without an explicit name are named after
    their word and numbered, so a layer inserted before others changes the names after it; give the layers that both
    networks share the same names.
    """

    code = "NS509"
    title = "`{source}` has no weight that fits {what}"
    label = "{reason}"
    hint = "weights are matched by name and shape: give shared layers the same names and sizes"
    source: str
    what: str
    reason: str


class PartlyTaken(Diagnostic):
    """Some weights are initialized from another run, and some are not.

    That is intended where the network gets a new last layer. `init_parts` selects blocks; then only what is missing
    from these is reported.
    """

    code = "NS510"
    severity = "warning"
    title = "{taken} of {all} weights are initialized from `{source}`, the others at random"
    hint = {"": "random: {random}\nnot used: {unused}", "random": "random: {random}", "unused": "not used: {unused}"}
    taken: int
    all: int
    source: str
    random: str
    unused: str


class NoStart(Diagnostic):
    """The initial weights cannot be read.

    `init` names a run folder or a safetensors file, relative to the spec or to the current folder.
    """

    code = "NS511"
    title = "no initial weights in `{source}`: {reason}"
    source: str
    reason: str
    advice: str = (
        "give a run folder such as runs/digits-1, or a .safetensors file, relative to the spec or the current folder"
    )


class PartsOfNothing(Diagnostic):
    """`init_parts` selects layers to initialize, but `init` does not say from which run."""

    code = "NS508"
    title = "`init_parts` needs `init`"
    hint = 'add `init = "runs/…"`, the run to take the weights from'


class WrongGradient(Diagnostic):
    """`netspec check --gradients` finds a gradient that differs from finite differences.

    JAX differentiates ordinary code correctly; a layer with a `jax.custom_vjp`, a `stop_gradient` or a rounded value
    may have another gradient. Where that is intended, as in a straight-through estimator, ignore the message.
    """

    code = "NS512"
    title = "the gradient of `{layer}` is wrong: for {part} its relative error is {error}"
    label = "at most {tolerance} is allowed"
    hint = "look at `custom_vjp`, `stop_gradient` and rounding in the layer; JAX derives the gradient of anything else"
    layer: str
    part: str
    error: str
    tolerance: str


class NoRateFound(Diagnostic):
    """`netspec lr` finds no learning rate that reduces the loss.

    Either the loss is flat for all rates, so nothing is learned (dead units, inputs that do not predict the targets),
    or it diverges before it decreases (inputs far from 1; `normalize = standard` scales them).
    """

    code = "NS513"
    title = "no learning rate between {low} and {high} reduces the loss"
    hint = "check the inputs (`normalize = standard` in the `data` section) and the network, or use more `--steps`"
    low: str
    high: str
