"""NS2xx: what is wrong with names and values."""
