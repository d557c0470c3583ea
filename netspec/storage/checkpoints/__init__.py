"""Checkpoints: the whole state of a run on disk, written while training continues.

A checkpoint is one file, `checkpoints/step-00000120.safetensors`: the state (params, optimizer, random state, position,
sums) under `state/`, the best weights under `best/` when they are older than the state, and a record (position,
history, best so far) in the metadata. Of a sharded state it is a folder, `checkpoints/step-00000120.orbax`, with the
same names. A thread writes it under another name and renames it when it is on the disk: it is complete or absent. A
checksum detects damage; then an older one is used. The last two are kept.
"""
