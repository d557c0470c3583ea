"""Whether data, network and settings go together, before the first step.

Comes in: facts or arrays, and what the network ends in. Goes out: diagnostics.
"""
