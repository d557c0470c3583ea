"""Optimizers: words that are chained, `clip(1.0) -> adamw(1e-3, decay = 1e-4) -> ema(0.99)`.

Comes in: checked words. Goes out: what follows gradients (`build_optimizer`). Optax is imported when one is built.

    base.py        what every word is
    optax_word.py  words that stand for a function of Optax; descent.py, adam.py, adaptive.py and contrib.py have them
    words.py       clipping, noise, weight decay, rates of single layers
    wrappers.py    gathered gradients, steps that are left out
    averages.py    means of the weights
    build.py       the chain as one optimizer
    absent.py      what other libraries have and cannot work here
"""

from netspec.training.optimizers import contrib as contrib, unsupported as unsupported
from netspec.training.optimizers.adam import Adam as Adam, Adamw as Adamw
from netspec.training.optimizers.adaptive import Rmsprop as Rmsprop
from netspec.training.optimizers.averages import Ema as Ema, Lookahead as Lookahead
from netspec.training.optimizers.base import (
    Around as Around,
    ChainWord as ChainWord,
    Link as Link,
    Optimizer as Optimizer,
    Rate as Rate,
    Wrapper as Wrapper,
    optimizer as optimizer,
)
from netspec.training.optimizers.chain import OptimizerChain as OptimizerChain, build_optimizer as build_optimizer
from netspec.training.optimizers.sgd import Sgd as Sgd
from netspec.training.optimizers.transforms import (
    Clip as Clip,
    ClipValue as ClipValue,
    RateOf as RateOf,
    WeightDecay as WeightDecay,
)
from netspec.training.optimizers.wrappers import Accumulate as Accumulate, SkipNonfinite as SkipNonfinite
