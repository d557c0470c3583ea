"""Builds a sketch from the operators of programs whose tensors have their channels first."""
