"""Texts as token ids: how they are split, what the vocabulary is, and how long an example is."""
