"""Channels into a guest and the guest as scenarios see it.

Owns how commands and files reach the operating system inside a machine. Refuses to know how
a machine is made, powered or watched, and never runs a command twice.
"""
