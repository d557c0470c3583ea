"""Starting the processes of a training: on this machine, under Slurm and Kubernetes, on a Ray cluster.

Input: a `Job`, what to train with which resources. Output: a script or a manifest, or the running processes.
"""
