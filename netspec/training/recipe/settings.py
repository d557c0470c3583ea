"""The section `train { … }`: how a network is trained.

To add a setting, write one field here: its type, its option type (which checks every value that is written), its help
and its default. `netspec words`, the reference and the messages follow from it. Where a value must also fit other
settings or the network, add a method `check_NAME` beside it: `make_recipe` calls it, and `netspec check` with it.

What the engine or the loop reads gets a field of the same name in `Recipe` (recipe.py) as well, which `make_recipe`
fills by name, and a line in `Recipe.describe` where it has to be the same when a run is resumed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from itertools import pairwise

from netspec.compiler.ir.output_head import OutputHead
from netspec.language.diagnostics import Problems
from netspec.language.kinds import MAX_SEED, SEED_ALIASES, Chain, Choice, Count, Either, Flag, Number, OneWord, Text
from netspec.language.lowering_families import FAST, LoweringKind
from netspec.language.source import Span
from netspec.language.vocabulary import register
from netspec.language.word import Word, option
from netspec.training.control.conformal import LEVEL, Conformal
from netspec.training.control.keep import Keep
from netspec.training.control.stop import Stop
from netspec.training.control.threshold import BestThreshold
from netspec.training.distributed.mesh import LOCAL, MAX_DEVICES, SYNC, Axis, check_mesh
from netspec.training.errors import recipe as errors
from netspec.training.losses import LossWord
from netspec.training.metrics.base import DEFAULT_THRESHOLD, MetricWord
from netspec.training.optimizers import ChainWord
from netspec.training.optimizers.checks import check_optimizer
from netspec.training.optimizers.layer_selection import LayerNames
from netspec.training.optimizers.optax_words import Adam
from netspec.training.schedules import Schedule
from netspec.training.schedules.build import right_order, schedule_text
from netspec.training.schedules.words import Constant

EPOCHS = ("num_epochs", "n_epochs", "max_epochs", "nb_epoch", "num_train_epochs")
BATCH = ("batch_size", "bs", "per_device_train_batch_size", "train_batch_size")


@dataclass
class Check:
    """What checks of settings are given: the spans of the keys, how many weights each layer of the network trains
    (None: not known), and the problems to add to."""

    spans: Mapping[str, Span]
    layers: Mapping[str, int] | None = None
    problems: Problems = field(default_factory=Problems)

    def at(self, key: str, head: OutputHead | None = None) -> Span | None:
        return self.spans.get(key) or (head.span if head else None)


@register("section", "train")
class TrainSettings(Word):
    """How a network is trained. Every key has a default.

    Example: train { epochs = 12 }
    """

    epochs: int = option(Count(), "number of passes over the training examples", default=10, aliases=EPOCHS)
    batch: int = option(
        Count(),
        "examples per step; small ones make more steps of an epoch, large ones faster steps",
        default=32,
        aliases=BATCH,
    )
    drop_last: bool = option(
        Flag(),
        "leave out the last batch of an epoch if it is smaller; with `shuffle` other examples each time",
        default=False,
        aliases=("drop_remainder",),
    )
    optimizer: tuple[ChainWord, ...] = option(
        Chain("optimizer"), "how weights are updated from gradients", default=(Adam(),), aliases=("optim",)
    )
    schedule: tuple[Schedule, ...] = option(
        Chain("schedule"),
        "what the learning rate is multiplied by",
        default=(Constant(),),
        aliases=("scheduler", "lr_scheduler", "lr_scheduler_type", "lr_schedule"),
    )
    freeze: tuple[str, ...] = option(
        LayerNames(),
        "layers and blocks that are not trained, with their batchnorms (none: all are trained)",
        default=(),
    )
    loss: tuple[LossWord, ...] | None = option(
        Chain("loss"),
        "the loss to minimize (none: implied by the last layer)",
        default=None,
        aliases=("criterion", "loss_fn"),
    )
    metrics: tuple[MetricWord, ...] | None = option(
        Chain("metric"), "the metrics to report (none: implied by the last layer)", default=None
    )
    threshold: float | BestThreshold = option(
        Either((Number(0, 1), OneWord("threshold"))),
        "the probability above which a yes/no output predicts yes, or `best(METRIC)`: chosen on the validation split",
        default=DEFAULT_THRESHOLD,
        aliases=("decision_threshold",),
    )
    interval: float | Conformal | None = option(
        Either((LEVEL, OneWord("interval"))),
        "the level of prediction intervals, such as 90%, or `conformal(90%)`: calibrated on the validation split "
        "(none: as the loss implies)",
        default=None,
        aliases=("prediction_interval", "confidence_level"),
    )
    precision: str = option(
        Choice(("f32", "bf16", "mixed")),
        "compute dtype: `mixed` keeps the weights in f32, `bf16` does not; a layer's `dtype` takes precedence",
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
        "blocks to recompute in the backward pass, to save memory: `true` for all, or their names",
        default=False,
        aliases=("gradient_checkpointing",),
    )
    devices: int | None = option(
        Count(1, MAX_DEVICES),
        "the number of devices to train on (none: those of `mesh`, or one)",
        default=None,
        aliases=("num_devices", "n_devices", "num_gpus", "n_gpus"),
    )
    mesh: tuple[Axis, ...] | None = option(
        Chain("mesh"),
        "what the devices split: the batch, the weights, the layers (none: the batch)",
        default=None,
        aliases=("strategy", "distribution_strategy", "mesh_shape"),
    )
    batchnorm: str = option(
        Choice((SYNC, LOCAL)),
        "on several devices, batchnorm over the examples of all (`sync`) or of each for itself (`local`)",
        default=SYNC,
        aliases=("sync_batchnorm", "sync_bn", "synchronized"),
    )
    watch: str | None = option(
        Choice(("gradients",)),
        "extra measurements per epoch: norms of gradients and updates, gradient noise scale (none: nothing)",
        default=None,
    )
    tensorboard: bool = option(
        Flag(), "also write the metrics of each epoch for TensorBoard, into the run folder", default=False
    )
    mlflow: bool = option(Flag(), "also record the run in MLflow: settings, metrics, files", default=False)
    wandb: bool = option(
        Flag(),
        "also record the run in Weights & Biases: settings, metrics, files",
        default=False,
        aliases=("weights_and_biases",),
    )
    init: str | None = option(
        Text(), "a run folder or a safetensors file with initial weights (none: random ones)", default=None
    )
    init_parts: tuple[str, ...] = option(
        LayerNames(), "the layers and blocks that take weights from `init` (none: all that match)", default=()
    )
    seed: int = option(
        Count(0, MAX_SEED), "random seed of weights, order of examples and dropout", default=0, aliases=SEED_ALIASES
    )
    seeds: int = option(Count(1, 10_000), "number of runs, with consecutive seeds", default=1)
    stop: tuple[Stop, ...] | None = option(
        Chain("stop"), "when to stop before the last epoch (none: never)", default=None
    )
    keep: tuple[Keep, ...] | None = option(
        Chain("keep"),
        "the weights to save (none: `best` if there is a validation split, otherwise `last`)",
        default=None,
    )

    def check_optimizer(self, check: Check) -> None:
        """The words of the chain fit each other, and the layers that they name are there."""
        check_optimizer(self.optimizer, self.freeze, check.layers, check.spans, check.problems)

    def check_mesh(self, check: Check) -> None:
        """The mesh fits the number of devices, and divides the batch."""
        check_mesh(self.devices, self.mesh, self.batch, check.spans, check.problems)

    def check_schedule(self, check: Check) -> None:
        """Every word of the chain but the last has an end."""
        for index, (word, following) in enumerate(pairwise(self.schedule), 1):
            if word.span_of_time is None:
                span = check.spans.get(f"schedule.{index}") or check.at("schedule")
                case, right = right_order(self.schedule, self.epochs)
                text, names = " -> ".join(map(schedule_text, right)), [str(word), schedule_text(following)]
                wrong = errors.NeverReached(span=span, case=case, word=names[0], following=names[1], right=text)
                check.problems.add(wrong)
                return


PACKAGES = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}
"""The package that each setting needs."""


def missing_packages(settings: TrainSettings) -> dict[str, str]:
    """The packages that are not installed, by the setting that needs them."""
    return {name: package for name, package in PACKAGES.items() if getattr(settings, name) and not find_spec(package)}
