"""Windows' own tools, as operations on agents need them: installers, drivers, services, signatures.

Refuses to judge an agent; `lab.agents.operations` does, by what agent.yaml says.
"""
