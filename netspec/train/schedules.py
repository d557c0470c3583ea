"""Schedules: words that are chained in time, `warmup(1 epochs) -> cosine`, and multiply the optimizer's rate.

Comes in: checked words, and how many steps an epoch and the whole run have. Goes out: a function from the step to a
factor. Each word counts its steps from where it begins; the last one lasts to the end of the run.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeVar, dataclass_transform

from netspec.kinds import Number, Time
from netspec.record import record
from netspec.values import Duration, Word
from netspec.vocabulary import option, register

Factor = Callable[[Any], Any]
"""From a step (a whole number, or a traced one) to what the rate is multiplied by."""


@record
class Schedule(Word, ABC):
    """Base of every schedule word."""

    category: ClassVar[str] = "schedule"

    @property
    def span_of_time(self) -> Duration | None:
        """How long it lasts; None: to the end of the run."""
        return None

    @abstractmethod
    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        """The factor at a step of its own, from 0, of `length` in all."""


S = TypeVar("S", bound=type[Schedule])


@dataclass_transform(frozen_default=True, kw_only_default=True, field_specifiers=(option,))
def schedule(name: str) -> Callable[[S], S]:
    """Declare a schedule.

    Raises:
        ValueError: the name is taken, or is no lower-case word.
    """
    return register("schedule", name)  # type: ignore[return-value]  # the same class comes back


@schedule("constant")
class Constant(Schedule):
    """The rate as the optimizer has it, for a while or to the end.

    Example: train { schedule = constant(5 epochs) -> cosine }
    """

    length: Duration | None = option(Time(), "how long (none: to the end)", default=None, position=0)

    @property
    def span_of_time(self) -> Duration | None:
        return self.length

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        return 1.0


@schedule("warmup")
class Warmup(Schedule):
    """The rate grows evenly from zero; its last step has the full rate.

    Example: train { schedule = warmup(1 epochs) -> cosine }
    Reference: Goyal et al. 2017, arXiv:1706.02677.
    """

    length: Duration = option(Time(), "how long", default=Duration(1, "epochs"), position=0)

    @property
    def span_of_time(self) -> Duration | None:
        return self.length

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        import jax.numpy as jnp

        return jnp.minimum((step + 1) / length, 1.0)


@schedule("cosine")
class Cosine(Schedule):
    """The rate falls along half a cosine, to `end` times itself.

    Example: train { schedule = cosine(end = 1%) }
    Reference: Loshchilov and Hutter 2016, arXiv:1608.03983.
    """

    end: float = option(Number(0, 1), "the factor at the end", default=0.0, position=0)

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        import jax.numpy as jnp

        wave = 0.5 * (1 + jnp.cos(jnp.pi * jnp.minimum(step / length, 1.0)))
        return self.end + (1 - self.end) * wave


@schedule("step")
class Step(Schedule):
    """The rate is multiplied by `factor` each time `every` has passed.

    Example: train { schedule = step(10 epochs, 0.1) }
    """

    every: Duration = option(Time(), "how long the rate stays", position=0)
    factor: float = option(Number(0, open_low=True), "what the rate is multiplied by", default=0.1, position=1)

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        import jax.numpy as jnp

        return jnp.power(self.factor, step // steps_of(self.every, steps_per_epoch))


@schedule("exponential")
class Exponential(Schedule):
    """The rate falls a little at every step, by `decay` in the time of `every`.

    Example: train { schedule = exponential(0.95) }
    """

    decay: float = option(Number(0, 1, open_low=True), "the factor that `every` brings", position=0)
    every: Duration = option(
        Time(), "the time in which the rate falls by it", default=Duration(1, "epochs"), position=1
    )

    def at(self, step: Any, length: int, steps_per_epoch: int) -> Any:
        import jax.numpy as jnp

        return jnp.power(self.decay, step / steps_of(self.every, steps_per_epoch))


def steps_of(duration: Duration, steps_per_epoch: int) -> int:
    """A duration in whole steps, at least one."""
    steps = duration.value * (steps_per_epoch if duration.unit == "epochs" else 1)
    return max(1, round(steps))


def build_schedule(chain: Sequence[Schedule], steps_per_epoch: int, total_steps: int) -> Factor:
    """The factor of a whole chain at a step of the run, from 0, as a 32-bit float.

    A word whose time is up hands over to the next one; behind the end of the last one its last value stays.
    """

    def factor(step: Any) -> Any:
        import jax.numpy as jnp

        begin, value = 0, jnp.float32(1.0)
        for index, word in enumerate(chain):
            time = word.span_of_time
            rest = max(1, total_steps - begin)
            length = rest if time is None else steps_of(time, steps_per_epoch)
            here = jnp.asarray(word.at(jnp.maximum(step - begin, 0), length, steps_per_epoch), jnp.float32)
            value = here if index == 0 else jnp.where(step >= begin, here, value)
            begin += length
        return value

    return factor
