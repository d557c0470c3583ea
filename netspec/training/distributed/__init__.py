"""Training over several devices, in one process or several.

Input: the settings `devices` and `mesh`, the graph, and what the environment says about other processes. Output: a mesh
of devices, which of them hold which part of each weight, a `Placement` that the engine trains through, and the `Peers`
that the loop agrees with. `mesh.py`, `rules.py`, `environments/` and `launch/` work without JAX.
"""
