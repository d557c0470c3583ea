"""When training stops, and which weights are saved."""
