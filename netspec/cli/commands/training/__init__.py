"""Commands that train or measure training."""
