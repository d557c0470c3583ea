"""The text of an imported network, as a person would write it.

In: a sketch, simplified. Out: a formatted spec. What is guaranteed: the spec compiles to the network of the sketch,
layer by layer; where a form that is easier to read does not, a plainer one is written.
"""
