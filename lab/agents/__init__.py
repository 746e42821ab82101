"""The agent under test: what agent.yaml says of it, its artefacts, and what is done to it in a guest.

Owns the manifest, the verified artefacts and the operations. Refuses to judge: an operation
records what it did and read back, and says in a type of its own when the agent failed.
"""

from lab.agents.manifest import load

__all__ = ["load"]
