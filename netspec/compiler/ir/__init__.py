"""The graph of a network: nodes of known shape, what they cost, how they are printed, warnings.

Comes in: nodes that elaboration adds. Guaranteed: every edge has a shape, and no node is dead. Goes out: `Graph`.
"""
