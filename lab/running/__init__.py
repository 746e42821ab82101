"""Running cells: one attempt, its own process, the fleet of them, and the clean-up.

A cell only records. Nothing here judges a guest; `detect` and `verdict` read the recording.
"""
