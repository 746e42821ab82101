"""How good the detectors are on a labelled corpus: precision, recall, titles, confusion, speed."""
