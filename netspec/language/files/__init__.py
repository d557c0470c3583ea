"""Files of any kind: where the cache is, and how files that people name are opened.

Input: paths. Output: folders, open files, or an `OSError` that says why not.
"""
