"""The lab's proof of itself: guests that are brought down on purpose, and what was seen of it.

Canaries run through the same machine, sensors, recorder and detectors as cells. Nothing here detects
or judges; it provokes, waits, and compares what was found with what must be found.

`canaries` are the ways of dying, `bench` runs one, `runner` all of them; `results` keeps what came of it and
`gate` says which hosts may run cells. `standin` plays what a failing Windows shows, with the screens of
`painting`; `module` provokes a kernel; `capture` makes fixtures of the crashes in `specimens`. `windows` is
the list of checks for a Windows guest. `unplanned` is how these order a guest.
"""
