"""Optimizers: words that are chained, `clip(1.0) -> adamw(1e-3, decay = 1e-4) -> ema(0.99)`.

Input: checked words. Output: one optimizer for the whole chain (`OptimizerChain`). Optax is imported when one is
built.

    base.py         what every word is
    optax_base.py   words that stand for a function of Optax, and the options that they share
    optax_words.py  the table of these words
    transforms.py   clipping, noise, weight decay, learning rates of single layers, averages of the weights
    wrappers.py     gradient accumulation, skipped steps
    chain.py        the chain as one optimizer
    unsupported.py  what other libraries have and cannot work here
"""

from netspec.training.optimizers import (
    optax_words as optax_words,
    transforms as transforms,
    unsupported as unsupported,
    wrappers as wrappers,
)
from netspec.training.optimizers.base import ChainWord as ChainWord, Optimizer as Optimizer, optimizer as optimizer
from netspec.training.optimizers.chain import OptimizerChain as OptimizerChain
