"""The command line.

Input: arguments. Guarantee: commands print here or through `netspec/display/`, and nothing else prints. Output: text,
JSON, an exit status (0 no errors, 1 an error of the user, 2 a bug).
"""
