"""The report room: one document (report.json), and the page, JUnit file and summary drawn from it.

- what it is: `shape`, `shape_failures`, `shape_measured`
- made by `document` from `cases` (all that is known of each cell) and `facts` (run.json, attempt.json),
  part by part: `fleet`, `heatmap`, `failures` with `exhibit`, `console`, `story`, `thumbnails` and
  `faults`, `coverage`, `reactions`, `gaps`, `starts`, `hosts`
- drawn by `html` with `charts`, `junit`, `markdown`, in the words of `wording`; written by `files`
"""

from lab.report.files import write_all

__all__ = ["write_all"]
