"""Keras: a functional model in one `.keras` file, which is written without Keras."""
