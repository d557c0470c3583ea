"""Reads models of Keras 3 and 2 without Keras: their configuration becomes a sketch, with the weights of the file."""
