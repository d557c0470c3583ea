"""Layers over the steps of a sequence: recurrent ones, attention, positions, tokens."""
