"""Pages about runs: the report, and the live page of a training.

Input: run folders, which are only read. Output: one HTML page.
"""
