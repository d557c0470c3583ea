"""Layers over positions: convolutions, pools, and what changes the size of images."""
