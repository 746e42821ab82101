"""`python -m lab.detect.faults` prints codes.tsv as the YAML files want it. Refuses to write a file."""

from __future__ import annotations

import sys

from lab.detect.faults.codes import render
from lab.detect.faults.load import all_faults

if __name__ == "__main__":
    sys.stdout.write(render(all_faults()))
