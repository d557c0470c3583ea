"""What augmentations do to a batch, inside the compiled step.

Comes in: checked words of `data { augment }`. Goes out: a function of a key and a batch.
"""
