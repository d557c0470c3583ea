"""Sounds as waveforms and mel spectrograms: the words, the formulas, and the encoder of a run."""
