"""What a data source is and what it hands over.

Comes in: nothing. Goes out: `Source`, `Facts`, `Dataset`, and columns in memory or read on demand.
"""
