"""The lab's proof of itself: guests that are brought down on purpose, and what was seen of it.

Canaries run through the same machine, sensors, recorder and detectors as cells. Nothing here detects
or judges; it provokes, waits, and compares what was found with what must be found.
"""
