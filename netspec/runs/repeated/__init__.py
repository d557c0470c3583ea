"""Several runs of one spec: those that belong together, in one folder, and those that show that it is reproducible."""
