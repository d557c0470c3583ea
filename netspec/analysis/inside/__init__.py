"""What is inside a trained network, and what it looks at in an input.

Input: a model with its weights. Output: arrays, and pictures of them.
"""
