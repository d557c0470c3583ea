"""What a data source is and what it hands over.

Input: nothing. Output: `Source`, `Facts`, `Dataset`, and columns in memory or read on demand.
"""
