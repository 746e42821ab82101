"""Known issues: bugs that are accepted until a date. Matched by title, never by test name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from lab.model import Finding, FindingKind, KnownIssue

LOOP = "boot loop after "


def titles(finding: Finding) -> frozenset[str]:
    """All names of a finding; a boot loop also goes by the bug it comes from."""
    own = {finding.title, *finding.signature.alt_titles}
    if finding.kind is FindingKind.BOOT_LOOP and finding.title.startswith(LOOP):
        own.add(finding.title.removeprefix(LOOP))
    return frozenset(own)


def same_bug(one: Finding, two: Finding) -> bool:
    """Whether both show one bug. Two drivers that stop Windows with the same code are two bugs, although
    the code alone is a title of both."""
    apart = one.kind is two.kind is FindingKind.BUGCHECK and bool(one.module and two.module)
    if apart and one.module != two.module:
        return False
    return not titles(one).isdisjoint(titles(two))


def issue_for(finding: Finding, image: str, issues: Sequence[KnownIssue], today: str) -> KnownIssue | None:
    """The unexpired issue that excuses `finding` on `image`.

    :param today: ISO date; an issue is good up to and including its `until`.
    """
    for issue in issues:
        if today > issue.until or not fnmatchcase(image, issue.images):
            continue
        if any(fnmatchcase(title, issue.title) for title in titles(finding)):
            return issue
    return None


def expired(findings: Iterable[Finding], image: str, issues: Sequence[KnownIssue], today: str) -> list[str]:
    """A sentence for each issue that would have excused a finding, had it not expired."""
    found = list(findings)
    return [
        f"the known issue {issue.title!r} expired on {issue.until}"
        for issue in issues
        if today > issue.until
        and any(issue_for(finding, image, (issue,), issue.until) is not None for finding in found)
    ]
