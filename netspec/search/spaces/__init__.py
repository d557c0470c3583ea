"""What a search varies: ranges for params and settings, and how they are read from a spec."""
