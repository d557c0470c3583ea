"""Starting the processes of a training: here, and on clusters.

Input: the command line of `netspec train`. Output: the exit status of the processes, or files for a scheduler.
"""
