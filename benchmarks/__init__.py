"""What the lab costs and how fast it is, measured beside what it is compared with: `python -m benchmarks`.

Every speed is a ratio of two things measured in turns in one run on one machine; docs/benchmarks.md says
what each bench measures. Nothing here is part of the lab, and the lab imports nothing of it.
"""
