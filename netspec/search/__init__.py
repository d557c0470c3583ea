"""The search for the best hyperparameters: the section `tune { … }` of a spec, and `netspec tune`.

Input: a spec with ranges for its params and settings. Output: a folder with every trial, the best spec, and its runs
with several seeds. A search that is killed loses the epochs of the trials that were under way, which are done again.
"""
