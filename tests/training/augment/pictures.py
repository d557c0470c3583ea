"""Small pictures that the tests of augmentations share."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

HEIGHT, WIDTH = 9, 12


def images(count: int = 6, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Smooth pictures with details at the edges, from 0 to 1."""
    noise = np.random.default_rng(seed).random((count, HEIGHT, WIDTH, channels))
    return ndimage.gaussian_filter(noise, (0, 0.7, 0.7, 0)).astype(np.float32)
