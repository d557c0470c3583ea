"""Where the boxes and wires of a plan are."""
