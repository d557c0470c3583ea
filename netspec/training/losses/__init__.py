"""Losses: functions of predictions and targets, one number for each prediction.

Input: logits (the output before its softmax or sigmoid) in the shape batch x ..., and targets as `place_targets`
makes them: class ids without the last axis, or numbers in the shape of the output. Output: losses of the shape batch
x ..., whose mean over everything that counts is minimized. Losses that compare probabilities apply the head first; the
others work on the logits and are stable.
"""

from netspec.training.losses import (
    classification as classification,
    ctc as ctc,
    dice as dice,
    distributions as distributions,
    metric_learning as metric_learning,
    regression as regression,
)
from netspec.training.losses.base import (
    JointLoss as JointLoss,
    Loss as Loss,
    LossWord as LossWord,
    loss as loss,
    loss_for as loss_for,
    plain_losses as plain_losses,
)
