"""What users hold: a compiled network with the methods that need data, and the result of a training.

Input: the network and the result of `netspec.spec`. Output: the same, as `netspec.Model` and `netspec.Result`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from netspec.spec import experiment, model


class Model(model.Model):
    """A compiled network.

    Weights are made at the first use, from `seed`. The first axis of an input is the batch: (batch, height, width,
    channels) for an image, (batch, features) for a vector; token ids are integers. Several inputs are given in the
    order in which the spec declares them. Several outputs are returned as a dict by name.

    A model that was trained with `normalize = standard` takes raw inputs when it is called, and normalizes them itself;
    `module` and `apply` take what the layers take. `preprocessing` is that of the training, None before.
    """

    @classmethod
    def of(cls, compiled: model.Model) -> Model:
        """The same model: both have the same weights, also when one of them is trained."""
        made = cls.__new__(cls)
        made.__dict__ = compiled.__dict__
        return made


@dataclass(frozen=True, repr=False)
class Result(experiment.Result):
    """A finished (or interrupted) training of a spec, with the folder of the `run`.

    `model` is the compiled network with the best or last weights; `problems` are warnings about the data and
    expectations that were not met.
    """

    model: Model = field(kw_only=True)

    @classmethod
    def of(cls, result: experiment.Result) -> Result:
        """The same result, with the model that users hold."""
        parts: dict[str, Any] = {**vars(result), "model": Model.of(result.model)}
        return cls(**parts)
