"""How good the detectors are on a labelled corpus: precision, recall, titles, confusion, speed."""

from lab.examining.scoring.labels import Case, read_corpus
from lab.examining.scoring.measure import Judged, judge_all
from lab.examining.scoring.score import Score, score

__all__ = ["Case", "Judged", "Score", "judge_all", "read_corpus", "score"]
