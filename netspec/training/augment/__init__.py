"""What augmentations do to a batch, inside the compiled step.

Input: checked words of `data { augment }`. Output: a function of a key and a batch.
"""
