"""Detection for files from anywhere: a customer's log, screenshot or dump, or a labelled corpus."""

from lab.examining.examine import Examined, Outcome, examine
from lab.examining.subjects import Source, Subject, sources

__all__ = ["Examined", "Outcome", "Source", "Subject", "examine", "sources"]
