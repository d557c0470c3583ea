"""Training: words (optimizers, schedules, losses, metrics, stopping), the recipe, the engine and the loop.

Importing this package fills the vocabulary and loads no JAX; `loop`, `engine`, `checkpoint` and `evaluate` do.
"""

from netspec.train import losses, metrics, optimizers, schedules, settings, stopping
from netspec.train.settings import TrainSettings

__all__ = ["TrainSettings", "losses", "metrics", "optimizers", "schedules", "settings", "stopping"]
