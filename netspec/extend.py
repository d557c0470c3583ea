"""What user-defined words import: layers, activations, initializers, losses, metrics, optimizers, schedules, stops,
augmentations and data sources, written in Python and used in specs like built-in ones.

    from netspec.extend import Count, Layer, layer, option

    @layer("distances")
    class Distances(Layer):
        ...

docs/own_words.md explains them. Importing this module does not import JAX.
"""

from typing import Any

from netspec.data.augmentations import Augmentation as Augmentation, augmentation as augmentation
from netspec.data.dataset.dataset import (
    Arrays as Arrays,
    Dataset as Dataset,
    Facts as Facts,
    Source as Source,
    Target as Target,
    single as single,
    source as source,
)
from netspec.language.diagnostics import Diagnostic as Diagnostic, Unplaced as Unplaced
from netspec.language.kinds import (
    Body as Body,
    Chain as Chain,
    Choice as Choice,
    Constant as Constant,
    Count as Count,
    Either as Either,
    Flag as Flag,
    Number as Number,
    OneSize as OneSize,
    OneWord as OneWord,
    Sizes as Sizes,
    Text as Text,
    Time as Time,
)
from netspec.language.shape import Dim as Dim, Shape as Shape
from netspec.language.values import LayerValue as LayerValue
from netspec.language.vocabulary import words
from netspec.language.word import option as option
from netspec.layers.activations import Activation as Activation, activation as activation
from netspec.layers.base import (
    Layer as Layer,
    activation_option as activation_option,
    check_numbers as check_numbers,
    check_rank as check_rank,
    known as known,
    layer as layer,
)
from netspec.layers.code import (
    Code as Code,
    Names as Names,
    PythonCall as PythonCall,
    PythonName as PythonName,
    Shapes as Shapes,
    call as call,
)
from netspec.layers.initializers import Initializer as Initializer, init as init
from netspec.training.control.stop import Stop as Stop, stop as stop
from netspec.training.losses import JointLoss as JointLoss, Loss as Loss, loss as loss
from netspec.training.metrics import Metric as Metric, metric as metric
from netspec.training.optimizers import Optimizer as Optimizer, optimizer as optimizer
from netspec.training.schedules import Schedule as Schedule, schedule as schedule


def make_layer(word: str, **options: Any) -> Layer:
    """A layer of the language for the `expand` of another one: `make_layer("dense", units=32)`.

    Raises:
        ValueError: there is no such layer.
    """
    cls = words("layer").get(word)
    if cls is None:
        raise ValueError(f"unknown layer `{word}`")
    assert issubclass(cls, Layer)
    return cls(**options)
