"""Charts as SVG, in the colors of the drawings."""
