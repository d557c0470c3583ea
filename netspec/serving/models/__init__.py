"""The models that are served: loaded, compiled, and computed in batches, each by a thread of its own."""
