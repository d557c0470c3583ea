"""The graph as Python source, and source as a live module.

Input: a graph. Guarantee: code is built from data whose leaves are checked; text of a spec never becomes code. Goes
out: source, and with JAX the module that it defines.
"""
