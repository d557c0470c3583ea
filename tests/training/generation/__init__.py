"""Texts of language models."""
