"""The graph of a network: nodes of known shape, what they cost, how they are printed, warnings.

Input: nodes that elaboration adds. Guarantee: every edge has a shape, and no node is dead. Output: `Graph`.
"""
