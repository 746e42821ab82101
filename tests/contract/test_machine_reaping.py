"""What libvirt starts for us is gone when it has ended, whatever process number 1 is; in a process of its
own, since adopting orphans is for life."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = """
import os, signal, subprocess, sys, time
from pathlib import Path
from lab.machine import reaping
from lab.waiting import wait_for

root = Path(sys.argv[1])
reaping.follow(root, "late.pid", "*-name-swtpm.pid")
other = subprocess.Popen([sys.executable, "-c", "raise SystemExit(7)"])
# the way of a daemon: a child that ends, and leaves one that has no parent
script = 'sleep 600 & echo $! > {0}/late.pid; sleep 600 & echo $! > {0}/1-name-swtpm.pid'.format(root)
subprocess.run(["sh", "-c", script], check=True)
pids = [int(path.read_text()) for path in root.glob("*.pid")]
assert len(pids) == 2
for pid in pids:
    assert Path(f"/proc/{pid}/stat").read_text().split()[3] == str(os.getpid()), "not adopted"
    os.kill(pid, signal.SIGKILL)
wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="their end", timeout_s=20)
time.sleep(0.2)
print("its exit code is", other.wait())
"""


def test_an_orphan_that_was_followed_is_gone_and_no_other_childs_end_is_taken(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.stdout == "its exit code is 7\n", done.stderr
