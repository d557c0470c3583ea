"""Examples on their way to the device.

Comes in: splits in memory or streamed. Goes out: batches in the order of the epoch.
"""
