"""Readers of formats of other programs."""
