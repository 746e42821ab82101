"""What the agent itself says: that it is down, or that it refused an update. It reads proofs only."""

from __future__ import annotations

from lab.model import Finding, FindingKind, Observation, Proof, Signature


class Agent:
    """Findings in the order of the proofs; the same message is one finding."""

    def __init__(self) -> None:
        self.findings: list[Finding] = []

    def feed(self, observation: Observation) -> None:
        match observation:
            case Proof(what="healthy") if observation.values.get("ok") is False:
                message = _words(observation) or "no reason given"
                self._add(observation, FindingKind.AGENT_DOWN, f"agent down: {message}", fatal=True)
            case Proof(what="refused"):
                self._add(observation, FindingKind.UPDATE_REFUSED, refusal(observation), fatal=False)
            case _:
                pass

    def _add(self, proof: Proof, kind: FindingKind, title: str, *, fatal: bool) -> None:
        known = {finding.title for finding in self.findings}
        if title not in known:
            signature = Signature(title=title)
            self.findings.append(
                Finding(kind=kind, signature=signature, fatal=fatal, t_s=proof.t_s, channels=("agent",))
            )


def refusal(proof: Proof) -> str:
    """`update refused: content 291: <the agent's words>`, the subject once if the agent names it too."""
    content, build = proof.values.get("content"), proof.values.get("build")
    subject = f"content {content}" if content else f"build {build}" if build else ""
    words = _words(proof)
    if words.startswith(subject):
        subject = ""
    return ": ".join(part for part in ("update refused", subject, words) if part)


def _words(proof: Proof) -> str:
    """The agent's own words on one line, at most 200 characters."""
    return " ".join(str(proof.values.get("message") or "").split())[:200]
