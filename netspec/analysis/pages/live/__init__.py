"""The report of runs while they are trained in another process.

Input: names of runs, or of folders of runs, which need not exist yet. Output: an address on this machine that serves
the page, and updates of it. Guarantee: run folders are only read, and no lock is taken.
"""
