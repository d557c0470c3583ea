"""Where the metrics of a training are also recorded: TensorBoard, MLflow, Weights & Biases.

Input: the settings `tensorboard`, `mlflow` and `wandb` of the section `train`, and the records that callbacks receive.
Guarantee: a tracker that fails ends no training. Output: callbacks; each package is imported when a training starts.
"""

from __future__ import annotations

from pathlib import Path

from netspec.training.loop.callback import TrainingCallback
from netspec.training.loop.trackers.mlflow import MLflow
from netspec.training.loop.trackers.tensorboard import FOLDER, TensorBoard
from netspec.training.loop.trackers.wandb import WandB
from netspec.training.recipe.settings import TrainSettings


def trackers_of(settings: TrainSettings, run: Path) -> list[TrainingCallback]:
    """The trackers that a section `train` names, for a run folder."""
    trackers: list[TrainingCallback] = []
    trackers += [TensorBoard(run / FOLDER)] if settings.tensorboard else []
    trackers += [MLflow()] if settings.mlflow else []
    trackers += [WandB()] if settings.wandb else []
    return trackers
