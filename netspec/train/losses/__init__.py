"""Losses: functions of what the net computes and what it should answer, one number for each answer.

Comes in: logits (the output before its softmax or sigmoid) in the shape batch x ..., and targets as `place_targets`
makes them: class ids without the last axis, or numbers in the shape of the output. Goes out: losses of the shape batch
x ..., whose mean over everything that counts is made small. Losses that compare probabilities apply the head first; the
others work on the logits and are stable.
"""

from netspec.train.losses.base import JointLoss, Loss, WrongTargets, loss
from netspec.train.losses.classes import (
    BinaryCrossEntropy,
    CrossEntropy,
    Focal,
    Hinge,
    KullbackLeibler,
    SquaredHinge,
    negative_log_likelihood,
)
from netspec.train.losses.embeddings import Contrastive, Triplet
from netspec.train.losses.numbers import Cosine, Huber, Mae, Mse, Poisson
from netspec.train.losses.outputs import LossWord, OfOutput, loss_for, plain_losses
from netspec.train.losses.sequences import Ctc

__all__ = [
    "BinaryCrossEntropy",
    "Contrastive",
    "Cosine",
    "CrossEntropy",
    "Ctc",
    "Focal",
    "Hinge",
    "Huber",
    "JointLoss",
    "KullbackLeibler",
    "Loss",
    "LossWord",
    "Mae",
    "Mse",
    "OfOutput",
    "Poisson",
    "SquaredHinge",
    "Triplet",
    "WrongTargets",
    "loss",
    "loss_for",
    "negative_log_likelihood",
    "plain_losses",
]
