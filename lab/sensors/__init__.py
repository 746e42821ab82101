"""What watches a machine: serial, screen, hypervisor events, heartbeat.

Sensors record observations and hold no opinion about them; `detect` does. Each is a context
manager with one thread that ends within a second of being asked to.
"""
