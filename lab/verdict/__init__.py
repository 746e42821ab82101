"""From recordings and findings to verdicts and the gate. Pure: imports nothing of the lab but its nouns."""

from lab.verdict.gate import decide
from lab.verdict.judge import judge

__all__ = ["decide", "judge"]
