"""Whether data, network and settings go together, before the first step.

Input: facts or arrays, and what the network ends in. Output: diagnostics.
"""
