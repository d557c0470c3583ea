"""Drawings of networks: what is drawn (`scene`), where (`layout`), and how (`svg`, `html`)."""
