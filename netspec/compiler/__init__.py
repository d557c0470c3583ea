"""From text to source code: syntax, names, elaboration, the graph, passes, Python.

Input: the text of a spec. Guarantee: JAX is never imported but by `backend.load`, `fold_weights` and
`live_state`; a mistake becomes a diagnostic and not an exception. Output: a typed graph (`ir`) and the source of
a Flax module.
"""
