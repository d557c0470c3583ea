"""Convolutions, pools and resizing: what Flax lacks or does otherwise.

As in `helpers`, each function and class stands by itself or uses others of these files by their plain names, and
`jax`, `jnp` and `nn` (Flax NNX).
"""

from __future__ import annotations
