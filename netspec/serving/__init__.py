"""Predictions of trained networks over HTTP.

Input: run folders or models, and requests from anybody. Output: predictions, equal to those of `model.predict`. A
request is checked before it is computed with others in a batch, so that it cannot fail them; it cannot name a file, and
it does not wait for a compilation. Files of runs are read, and nothing is written.
"""
