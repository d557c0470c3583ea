"""From the steps of a network to statements with chains of terms.

In: a simplified sketch. Out: a `Program`, whose chains say all that the sketch does, in the order of its inputs.
"""
