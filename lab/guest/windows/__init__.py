"""Windows as the lab talks to it: quoting, starting commands, facts, and the channels' own ways.

Refuses to know what is run: agents, workloads and faults bring their own commands.
"""
