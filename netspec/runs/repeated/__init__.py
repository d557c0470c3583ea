"""Several runs of one spec that belong together, in one folder."""
