"""Configurations of Ludwig: which columns of a table are features and targets, the network between them, its training.

Input: a YAML file, and the table, which Ludwig takes on the command line. Output: a sketch; there are no weights.
"""
