"""How good a trained network is: the predictions of a split compared with its targets.

Input: a run. Guarantee: numbers are those of scikit-learn. Output: sections of a page.
"""
