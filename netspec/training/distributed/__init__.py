"""Training over several devices.

Input: the settings `devices` and `mesh`, and the graph. Output: a mesh of devices, which of them hold which part of
each weight, and a `Placement` that the engine trains through. `mesh.py` and `rules.py` work without JAX.
"""
