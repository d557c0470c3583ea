"""Optimizers: words that are chained, `clip(1.0) -> adamw(1e-3, decay = 1e-4) -> ema(0.99)`.

Comes in: checked words. Goes out: one optimizer for the whole chain (`build_optimizer`). Optax is imported when one is
built.

    base.py         what every word is
    optax_base.py   words that stand for a function of Optax, and the options that they share
    optax_words.py  the table of these words
    transforms.py   clipping, noise, weight decay, learning rates of single layers
    wrappers.py     gradient accumulation, skipped steps
    averages.py     averages of the weights
    chain.py        the chain as one optimizer
    unsupported.py  what other libraries have and cannot work here
"""

from netspec.training.optimizers import unsupported as unsupported
from netspec.training.optimizers.averages import Ema as Ema, Lookahead as Lookahead
from netspec.training.optimizers.base import (
    ChainContext as ChainContext,
    ChainWord as ChainWord,
    Link as Link,
    Optimizer as Optimizer,
    Rate as Rate,
    Wrapper as Wrapper,
    optimizer as optimizer,
)
from netspec.training.optimizers.chain import OptimizerChain as OptimizerChain, build_optimizer as build_optimizer
from netspec.training.optimizers.optax_words import Adam as Adam, Adamw as Adamw, Rmsprop as Rmsprop, Sgd as Sgd
from netspec.training.optimizers.transforms import (
    Clip as Clip,
    ClipValue as ClipValue,
    RateOf as RateOf,
    WeightDecay as WeightDecay,
)
from netspec.training.optimizers.wrappers import Accumulate as Accumulate, SkipNonfinite as SkipNonfinite
