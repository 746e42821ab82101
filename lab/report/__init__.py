"""The report room: one document (report.json), and the page, JUnit file and summary drawn from it."""

from lab.report.files import write_all

__all__ = ["write_all"]
