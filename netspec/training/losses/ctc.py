"""Losses for sequences that are not aligned with the time steps of the network."""

from __future__ import annotations

from typing import Any

from netspec.compiler.ir.output_head import OutputHead
from netspec.data.dataset.dataset import Target
from netspec.language.kinds import Count
from netspec.language.lazy import lazy, np
from netspec.language.word import option
from netspec.training.losses.base import JointLoss, WrongTargets, loss

jnp = lazy("jax.numpy")
optax = lazy("optax")


@loss("ctc")
class Ctc(JointLoss):
    """Connectionist temporal classification: for sequences of classes, shorter than the input and not aligned with it.

    The network predicts at each time step a class or the blank, which has a separate id; a class that is repeated
    without a blank in between counts once. The targets of an example are class ids, padded at the end with the blank.
    The loss is the negative logarithm of the probability of all alignments of the targets, one number for each example.

    Example: train { loss = ctc }
    Reference: Graves et al. 2006, Connectionist temporal classification, doi:10.1145/1143844.1143891.
    """

    aliases = ("CTCLoss", "ctc_loss")
    heads = ("linear", "softmax")
    implied = "softmax"
    min_units = 2
    output_kind = "sequence"

    blank: int = option(Count(0), "the id of the blank, which also pads the targets", default=0, position=0)

    def joint(self, logits: Any, targets: Any, head: OutputHead, counted: Any) -> tuple[Any, Any]:
        x = logits.astype(jnp.float32)
        rows, steps = x.shape[:2]
        counted = jnp.ones(rows, bool) if counted is None else counted
        is_step = counted if counted.ndim > 1 else jnp.broadcast_to(counted[:, None], (rows, steps))
        is_filler = (targets == self.blank).astype(jnp.float32)
        values = optax.ctc_loss(x, 1 - is_step.astype(jnp.float32), targets, is_filler, blank_id=self.blank)
        return values, is_step.any(axis=1).astype(jnp.float32)

    def scored(self, head: OutputHead, target: Target) -> OutputHead:
        return super().scored(head, target).replace(blank=self.blank)

    def misfit(self, head: OutputHead, target: Target) -> str:
        if len(head.shape) != 2:
            return "it needs a prediction at each step of a sequence"
        if target.kind != "class":
            return "the targets are not sequences of classes"
        is_out = f"the blank has the id {self.blank}, and there are {head.units} units" * (self.blank >= head.units)
        return super().misfit(head, target) or is_out

    def place_targets(self, array: Any, head: OutputHead, target: Target) -> Any:
        return np.asarray(array, np.int32).reshape(len(array), -1)

    def wrong_targets(self, targets: np.ndarray, head: OutputHead) -> WrongTargets | None:
        is_filler = targets == self.blank
        lengths = (~is_filler).sum(axis=1)
        is_inside = (is_filler[:, :-1] & ~is_filler[:, 1:]).any(axis=1)
        # Two equal classes in a row need a blank between them.
        repeats = ((targets[:, 1:] == targets[:, :-1]) & ~is_filler[:, 1:]).sum(axis=1)
        is_long = lengths + repeats > head.shape[0]
        if not (is_inside | is_long).any():
            return None
        index = int(np.argmax(is_inside | is_long))
        if is_inside[index]:
            reason = f"has the blank {self.blank} between its classes"
            return WrongTargets(index, reason, "the blank only fills up the end: choose an id that no class has")
        needed = int(lengths[index] + repeats[index])
        reason = f"needs {needed} steps for {lengths[index]} classes, and the network has {head.shape[0]}"
        return WrongTargets(index, reason, "use more time steps, or remove long targets")
