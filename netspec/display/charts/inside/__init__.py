"""Charts of what a network looks at, and of what its layers give: as SVG, in the colors of the drawings."""
