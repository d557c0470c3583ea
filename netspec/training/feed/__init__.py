"""Examples on their way to the device.

Input: splits in memory or streamed. Output: batches in the order of the epoch.
"""
