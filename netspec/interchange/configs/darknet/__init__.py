"""Darknet: a cfg of sections, and the weights of its layers one after the other in a second file."""
