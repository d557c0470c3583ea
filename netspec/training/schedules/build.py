"""From the words of a chain to a factor for each step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.language.lazy import lazy, np
from netspec.language.values import Duration
from netspec.training.schedules.base import Factor, Schedule, steps_of
from netspec.training.schedules.words import ReduceOnPlateau

jax = lazy("jax")
jnp = lazy("jax.numpy")

LOOKED_STEPS = 5000
"""Over how many steps it is found out what a schedule depends on."""


def build_schedule(chain: Sequence[Schedule], steps_per_epoch: int, total_steps: int) -> Factor:
    """The factor of a whole chain at a step of the run, from 0, as a 32-bit float.

    Each word hands over to the next one when its time has passed; after the last one its final value remains.
    """

    def factor(step: Any) -> Any:
        begin, value = 0, jnp.float32(1.0)
        for index, word in enumerate(chain):
            time = word.span_of_time
            length = max(1, total_steps - begin) if time is None else steps_of(time, steps_per_epoch)
            here = jnp.asarray(word.at(jnp.maximum(step - begin, 0), length, steps_per_epoch), jnp.float32)
            value = here if index == 0 else jnp.where(step >= begin, here, value)
            begin += length
        return value

    return factor


def rates_of(rate: float, chain: Sequence[Schedule], steps_per_epoch: int, epochs: int) -> Any:
    """The learning rate at every step of a run as an array, without what follows a metric; `rate`: the optimizer's."""
    total = epochs * steps_per_epoch
    factor = build_schedule(chain, steps_per_epoch, total)
    return rate * np.asarray(jax.jit(jax.vmap(factor))(np.arange(total, dtype=np.int32)), np.float64)


def find_plateau(chain: Sequence[Schedule]) -> ReduceOnPlateau | None:
    """The word of a chain that follows a metric, if any; it is the last, since it lasts to the end of the run."""
    return next((word for word in chain if isinstance(word, ReduceOnPlateau)), None)


def steps_before(chain: Sequence[Schedule], word: Schedule, steps_per_epoch: int) -> int:
    """The step of the run, from 0, at which the time of a word begins."""
    times = [earlier.span_of_time for earlier in chain[: list(chain).index(word)]]
    return sum(steps_of(time, steps_per_epoch) for time in times if time is not None)


def right_order(chain: Sequence[Schedule], epochs: int) -> tuple[str, list[Schedule]]:
    """A chain with the word that lasts to the end of the run at its end, for a hint. Of several such words the last one
    remains at the end, and the others get a time; where one of them takes none it is left alone (`one`)."""
    timed = [word for word in chain if word.span_of_time is not None]
    endless = [word for word in chain if word.span_of_time is None]
    if not all(hasattr(word, "length") for word in endless[:-1]):
        return "one", [*timed, endless[0]]
    time = Duration(max(1, epochs // (2 * len(chain))), "epochs")
    return "", [*timed, *(word.replace(length=time) for word in endless[:-1]), endless[-1]]


def shorten_times(chain: Sequence[Schedule], factor: float) -> list[Schedule]:
    """A chain in which every word but the last one takes less time."""
    shorter: list[Schedule] = []
    for word in chain[:-1]:
        time = word.span_of_time
        assert time is not None  # only the last one lasts to the end of the run
        value = round(time.value * factor) or round(time.value * factor, 2)
        shorter.append(word.replace(length=Duration(value, time.unit)))
    return [*shorter, *chain[-1:]]


def schedule_text(word: Schedule) -> str:
    """A word as it is typed, with its time."""
    text = str(word)
    return f"{text}({word.span_of_time})" if text == word.word and word.span_of_time is not None else text


def depends_on_epoch(chain: Sequence[Schedule]) -> bool:
    """Whether the factors of a chain depend on how many steps an epoch has."""
    looks = np.arange(0, LOOKED_STEPS, 7, dtype=np.int32)
    few, many = (jax.vmap(build_schedule(chain, steps, 3 * steps))(looks) for steps in (7, 211))
    return not np.array_equal(few, many)
