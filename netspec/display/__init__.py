"""What people see of a training, from the command line, a script or a notebook: progress, metrics and problems as text.

Input: the records of callbacks, metrics, diagnostics. Output: lines on the standard streams, or displays of a notebook.
"""
