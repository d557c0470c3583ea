"""First aid for a training: one batch memorized, one step of everything, and where the time of a step goes.

Input: a prepared experiment. Output: `Overfit`, `DryRun`, `Profile`. Nothing is written, but for the file of a profile.
"""
