"""Commands as they go into the recording: text, secrets masked, long output cut in the middle. Pure."""

from __future__ import annotations

from lab.log import redact

KEPT_CHARS = 16_384
"""Characters kept of each end of a stream."""
_SEARCHED = 1 << 18
"""Bytes looked through for secrets at each end of a stream; what lies between is cut anyway."""


def kept(output: bytes) -> str:
    """`output` for a recording: at most twice KEPT_CHARS and a line that says what is missing."""
    if len(output) <= 2 * _SEARCHED:
        return _cut(redact(output.decode("utf-8", "replace")), 0)
    head = redact(output[:_SEARCHED].decode("utf-8", "replace"))
    tail = redact(output[-_SEARCHED:].decode("utf-8", "replace"))
    return _cut(head + tail, len(output) - 2 * _SEARCHED)


def _cut(text: str, missing: int) -> str:
    left_out = missing + max(0, len(text) - 2 * KEPT_CHARS)
    if not left_out:
        return text
    return f"{text[:KEPT_CHARS]}\n[... {left_out} characters left out ...]\n{text[-KEPT_CHARS:]}"
