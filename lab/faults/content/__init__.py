"""Damaged content files, made from the format that agent.yaml declares, and fed to a running agent.

Owns what is done to a content file. Refuses to know a product: every offset, number and name comes from
`lab.agents.content.ContentFormat`.
"""

from lab.faults.content.catalogue import mutations
from lab.faults.content.mutation import Mutation, MutationKind

__all__ = ["Mutation", "MutationKind", "mutations"]
