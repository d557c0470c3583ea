"""The section `train { … }`: how a net is trained."""

from __future__ import annotations

from netspec.language.kinds import Chain, Choice, Count, Either, Flag, Text
from netspec.language.lowering_families import FAST, LoweringKind
from netspec.language.vocabulary import register
from netspec.language.word import Word, option
from netspec.training.control.keep import Keep
from netspec.training.control.stop import Stop
from netspec.training.losses import LossWord
from netspec.training.metrics import MetricWord
from netspec.training.optimizers import Adam, ChainWord
from netspec.training.optimizers.layer_selection import LayerNames
from netspec.training.schedules import Constant, Schedule


@register("section", "train")
class TrainSettings(Word):
    """How a net is trained. Every key has a default.

    Example: train { epochs = 12 }
    """

    epochs: int = option(Count(), "how often every training example is seen", default=10)
    batch: int = option(
        Count(), "examples per step; small ones make more steps of an epoch, large ones faster steps", default=32
    )
    optimizer: tuple[ChainWord, ...] = option(
        Chain("optimizer"), "how the weights follow the gradient", default=(Adam(),)
    )
    schedule: tuple[Schedule, ...] = option(
        Chain("schedule"), "what the learning rate is multiplied by", default=(Constant(),)
    )
    freeze: tuple[str, ...] = option(
        LayerNames(), "layers and blocks that stay as they are, batchnorms in them too (none: all learn)", default=()
    )
    loss: tuple[LossWord, ...] | None = option(
        Chain("loss"), "what is made small (none: follows from the last layer)", default=None
    )
    metrics: tuple[MetricWord, ...] | None = option(
        Chain("metric"), "what is reported (none: follows from the last layer)", default=None
    )
    precision: str = option(
        Choice(("f32", "bf16", "mixed")),
        "what it computes in: `mixed` keeps the weights in f32, `bf16` does not; a layer's `dtype` goes first",
        default="f32",
        aliases=("dtype", "mixed_precision", "amp"),
    )
    lowering: tuple[str, ...] = option(
        LoweringKind(),
        "how layers are computed: `fast` by device and shapes, `reference` as Flax does it, or a list of families",
        default=FAST,
    )
    remat: bool | tuple[str, ...] = option(
        Either((Flag(), LayerNames())),
        "blocks that are computed again for the gradient, to save memory: `true` for all, or their names",
        default=False,
        aliases=("gradient_checkpointing",),
    )
    watch: str | None = option(
        Choice(("gradients",)),
        "what is measured beside the figures: norms of gradients and updates, gradient noise (none: nothing)",
        default=None,
    )
    tensorboard: bool = option(
        Flag(), "write the figures of each epoch for TensorBoard too, into the run folder", default=False
    )
    init: str | None = option(
        Text(), "a run folder or a safetensors file whose weights are started from (none: random ones)", default=None
    )
    init_parts: tuple[str, ...] = option(
        LayerNames(), "the layers and blocks that take weights from `init` (none: all that go with it)", default=()
    )
    seed: int = option(Count(0), "where random weights, orders and dropout start from", default=0)
    seeds: int = option(Count(), "how many runs there are, each with the seed after that of the one before", default=1)
    stop: tuple[Stop, ...] | None = option(
        Chain("stop"), "when to stop before the last epoch (none: never)", default=None
    )
    keep: tuple[Keep, ...] | None = option(
        Chain("keep"),
        "the weights that are kept (none: `best` if there is a validation split, otherwise `last`)",
        default=None,
    )
