"""A training on several devices, planned before any device is touched.

Input: a `Compilation` and a mesh. Output: what each device holds and sends in a step (`plan.py`), from shapes alone;
the same counted in the program that the compiler makes for simulated devices (`simulate.py`); and the mesh to take
(`recommend.py`).
"""
