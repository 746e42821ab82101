"""What the exercise of a content left untested: fields for which anything would have done.

Told beside a verdict and never instead of one: a content may be all wildcards for good reasons. Until the
first content with a value in such a field, nobody knows what the agent does with it.
"""

from __future__ import annotations

from lab.model import AttemptRecord, Proof

MOST = 6
"""Fields that are named; the rest are counted."""


def remark(record: AttemptRecord) -> str:
    """One sentence on the content of the cell's own version; "" when every field has a value."""
    told = [
        item
        for item in record.observations
        if isinstance(item, Proof)
        and item.what == "coverage"
        and str(item.values.get("content")) == record.cell.version.content
    ]
    if not told:
        return ""
    values = told[-1].values
    if values.get("error"):
        return f"coverage of content {values['content']} is not known: {values['error']}"
    told_wild, fields = values.get("wildcards") or (), values.get("fields", 0)
    wild = list(told_wild) if isinstance(told_wild, list | tuple) else [told_wild]
    if not wild:
        return ""
    names = ", ".join(str(name) for name in wild[:MOST])
    more = f" and {len(wild) - MOST} more" if len(wild) > MOST else ""
    return (
        f"content {values['content']}: {len(wild)} of {fields} fields are wildcards, "
        f"never compared with a value: {names}{more}"
    )
