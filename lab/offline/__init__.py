"""A guest's disks, looked at and repaired without starting the guest.

`partitions` and `volumes` say what is on a disk, `disk` opens one that nobody uses, `rescue` is the small
Linux that mounts its file systems, `repair` what is done there, `dumps` what a dump disk holds.
Refuses to touch a disk that a guest is using.
"""
