"""Recordings: how an attempt is written down, and how it is read back. No opinion on what it means."""
