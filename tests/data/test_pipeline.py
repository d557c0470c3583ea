"""Data on the device."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np

from netspec.data.onboard import Iris
from netspec.data.pipeline import DeviceData


def test_the_same_numbers_are_on_the_device() -> None:
    arrays = Iris().load(Path()).train
    placed = DeviceData.put(arrays, jax.devices()[0])
    assert placed.examples == 150
    assert isinstance(placed.inputs["input"], jax.Array)
    assert np.array_equal(placed.inputs["input"], arrays.inputs["input"])
    assert placed.targets["output"].dtype == np.int32


def test_orders_are_those_of_seed_and_epoch_alone() -> None:
    placed = DeviceData.put(Iris().load(Path()).train)
    orders = [placed.epoch_order(jax.random.key(7), epoch).tolist() for epoch in (0, 1, 2)]
    assert all(sorted(order) == list(range(150)) for order in orders)
    assert orders[0] != orders[1] != orders[2]
    assert placed.epoch_order(jax.random.key(7), 2).tolist() == orders[2]
    assert placed.epoch_order(jax.random.key(8), 2).tolist() != orders[2]
    assert placed.epoch_order(jax.random.key(7), 2, shuffle=False).tolist() == list(range(150))
