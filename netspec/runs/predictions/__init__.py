"""What a network predicts for some examples: as plain values, as a table for people, and as CSV.

Input: the arrays that a network gives, in words (`netspec/runs/evaluate_predict.py`). Output: `Predictions`.
"""
