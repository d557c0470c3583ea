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

from netspec.train.optimizers import absent, contrib  # noqa: F401  # they fill the vocabulary
from netspec.train.optimizers.adam import Adam, Adamw
from netspec.train.optimizers.adaptive import Rmsprop
from netspec.train.optimizers.averages import Ema, Lookahead
from netspec.train.optimizers.base import Around, ChainWord, Link, Optimizer, Rate, Wrapper, optimizer
from netspec.train.optimizers.build import OptimizerChain, build_optimizer
from netspec.train.optimizers.descent import Sgd
from netspec.train.optimizers.words import Clip, ClipValue, RateOf, WeightDecay
from netspec.train.optimizers.wrappers import Accumulate, SkipNonfinite

__all__ = [
    "Accumulate",
    "Adam",
    "Adamw",
    "Around",
    "ChainWord",
    "Clip",
    "ClipValue",
    "Ema",
    "Link",
    "Lookahead",
    "Optimizer",
    "OptimizerChain",
    "Rate",
    "RateOf",
    "Rmsprop",
    "Sgd",
    "SkipNonfinite",
    "WeightDecay",
    "Wrapper",
    "build_optimizer",
    "optimizer",
]
