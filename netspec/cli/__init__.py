"""The command line.

Input: arguments. Guarantee: the only package that prints. Output: text, JSON, an exit status (0 no
errors, 1 an error of the user, 2 a bug).
"""
