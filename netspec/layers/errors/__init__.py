"""NS3xx: what a layer reports about the shape that reaches it."""
