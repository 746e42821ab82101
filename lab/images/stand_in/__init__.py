"""A STAND-IN for a Windows guest: a Linux that is talked to as Windows is, has Windows' disks, and stops.

It is no Windows and runs nothing of Windows. It reads the order that the lab sends to PowerShell and does
what the order says for programs, for the scripts that the lab itself ships, and for a few documented
tools; anything else it refuses loudly. Its system and dump disks are NTFS, it loads drivers from them,
and a driver's error stops it: stop screen, dump, panic device, reset, and again at every boot until the
file is gone.

It proves that the lab drives, sees and repairs such a guest, and nothing about any product. `guest/` runs
in the guest and imports the standard library only.
"""
