"""Layers over positions: convolutions, pooling, resizing, cropping and padding."""
