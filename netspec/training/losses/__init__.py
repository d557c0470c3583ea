"""Losses: functions of predictions and targets, one number for each prediction.

Comes in: logits (the output before its softmax or sigmoid) in the shape batch x ..., and targets as `place_targets`
makes them: class ids without the last axis, or numbers in the shape of the output. Goes out: losses of the shape batch
x ..., whose mean over everything that counts is minimized. Losses that compare probabilities apply the head first; the
others work on the logits and are stable.
"""

from netspec.training.losses.base import (
    JointLoss as JointLoss,
    Loss as Loss,
    WrongTargets as WrongTargets,
    loss as loss,
)
from netspec.training.losses.classification import (
    BinaryCrossEntropy as BinaryCrossEntropy,
    CrossEntropy as CrossEntropy,
    Focal as Focal,
    Hinge as Hinge,
    KullbackLeibler as KullbackLeibler,
    SquaredHinge as SquaredHinge,
    negative_log_likelihood as negative_log_likelihood,
)
from netspec.training.losses.ctc import Ctc as Ctc
from netspec.training.losses.metric_learning import Contrastive as Contrastive, Triplet as Triplet
from netspec.training.losses.per_output import (
    LossWord as LossWord,
    OfOutput as OfOutput,
    loss_for as loss_for,
    plain_losses as plain_losses,
)
from netspec.training.losses.regression import (
    Cosine as Cosine,
    Huber as Huber,
    Mae as Mae,
    Mse as Mse,
    Poisson as Poisson,
)
