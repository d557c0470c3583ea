"""How specs/load.csv was made: the load of a small network, hour by hour, with what it depends on.

The load has a shape of the day, which is flatter at weekends, falls with the temperature below 16 degrees and rises
above 21, grows slowly, and wanders around all this (an autoregressive process, as does the temperature). Run it with
the name of the file to write.
"""

import sys
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def autoregressive(rng: np.random.Generator, count: int, memory: float, noise: float) -> np.ndarray:
    """x[t] = memory x[t - 1] + noise e[t], with x[0] = 0."""
    shocks, values = rng.normal(size=count) * noise, np.zeros(count)
    for step in range(1, count):
        values[step] = memory * values[step - 1] + shocks[step]
    return values


def main(path: str) -> None:
    rng, count = np.random.default_rng(7), 24 * 210
    hours = np.arange(count)
    hour, day = hours % 24, hours // 24 % 7
    temperature = 12 + 9 * np.cos(2 * np.pi * (hours / 24 - 200) / 365) + 4 * np.cos(2 * np.pi * (hours - 15) / 24)
    temperature += autoregressive(rng, count, 0.985, 0.55)
    peaks = 6 * np.exp(-(((hour - 8) / 2.2) ** 2)) + 9 * np.exp(-(((hour - 19) / 3.0) ** 2))
    load = 14 + peaks * np.where(day < 5, 1.0, 0.6) - np.where(day < 5, 0, 1.5) + 0.0004 * hours
    load += 0.45 * np.maximum(0, 16 - temperature) + 0.5 * np.maximum(0, temperature - 21)
    load += autoregressive(rng, count, 0.9, 0.3)
    rows = ["time,load,temperature,day,hour"]
    for i in range(count):
        time = datetime(2024, 1, 1) + timedelta(hours=i)
        rows.append(f"{time:%Y-%m-%d %H:%M},{load[i]:.2f},{temperature[i]:.1f},{DAYS[day[i]]},{hour[i]}")
    Path(path).write_text("\n".join(rows) + "\n", encoding="utf-8")
    print(f"wrote {count:,} hours to {path}")


if __name__ == "__main__":
    main(sys.argv[1] if sys.argv[1:] else "load.csv")
