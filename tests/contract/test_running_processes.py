"""What a process that works for the lab keeps to, forked from the server or started from nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import psutil
import pytest

from lab.running import child, forkserver, forkserver_client, owner
from lab.running.child import Child
from lab.running.forkserver_client import ForkServer, ServerGone, Spawner
from lab.waiting import wait_for

WAIT_S = 30.0

WORK = '''
"""Stands for the work of a cell: does what the file says that it is given."""
import os, signal, subprocess, sys, time
from pathlib import Path
from lab.running import lifeline, owner


def main(arguments):
    scope = {"mark": Path(arguments[0] + ".mark"), "lifeline": lifeline, "owner": owner}
    exec(Path(arguments[0]).read_text(), scope)
    return scope.get("code", 0)


if __name__ == "__main__":
    owner.adopt()
    sys.exit(main(sys.argv[1:]))
'''
STAY = "import time\nlifeline.attach()\nmark.touch()\nwhile True: time.sleep(0.05)"


@pytest.fixture(scope="module")
def modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The module that stands for the work, where processes find it, and a preload that takes no time."""
    folder = tmp_path_factory.mktemp("modules")
    (folder / "work_of_tests.py").write_text(WORK)
    (folder / "server_of_tests.py").write_text(
        "import sys\nfrom lab.running import forkserver\n"
        "forkserver.preload = lambda: None\nforkserver.WORK['test'] = 'work_of_tests'\n"
        "sys.exit(forkserver.main(sys.argv[1:]))"
    )
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(folder))
    patch.setitem(forkserver.WORK, "test", "work_of_tests")  # type: ignore[arg-type]
    patch.setattr(forkserver_client, "MODULE", "server_of_tests")
    yield
    patch.undo()


@pytest.fixture(scope="module")
def server(modules: None) -> Iterator[ForkServer]:
    one = ForkServer()
    yield one
    one.close()


Start = Callable[..., Child]


@pytest.fixture(params=["forked", "started"])
def start(request: pytest.FixtureRequest, server: ForkServer) -> Start:
    way: Start = server.fork if request.param == "forked" else child.started
    return way


@pytest.fixture
def out() -> Iterator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        yield file


@pytest.fixture
def does(tmp_path: Path) -> Callable[[str], Path]:
    def write(text: str) -> Path:
        path = tmp_path / "work"
        path.write_text(text)
        return path

    return write


def marked(path: Path) -> None:
    wait_for(path.with_name(path.name + ".mark").exists, what="the mark", timeout_s=WAIT_S)


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def said(out: IO[bytes]) -> str:
    out.seek(0)
    return out.read().decode()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("code = 0", 0),
        ("code = 7", 7),
        ("raise SystemExit(3)", 3),
        ("raise KeyError('x')", 1),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", -9),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -11),
    ],
)
def test_its_exit_code_is_its_own(
    start: Start, does: Callable[[str], Path], out: IO[bytes], text: str, code: int
) -> None:
    with start("test", does(text), out.fileno()) as process:
        assert process.ended(WAIT_S)
        assert process.code == code


def test_what_it_prints_is_in_its_log_and_so_is_the_traceback_of_a_bug(
    start: Start, does: Callable[[str], Path], out: IO[bytes]
) -> None:
    text = "import subprocess\nprint('said', flush=True)\nsubprocess.run(['echo', 'its child'])\nprint(1 / 0)"
    with start("test", does(text), out.fileno()) as process:
        process.ended(WAIT_S)
    log = said(out)
    assert "said\nits child\n" in log
    assert "ZeroDivisionError" in log


def test_it_leads_a_session_and_has_our_environment_and_working_directory(
    start: Start, does: Callable[[str], Path], out: IO[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SET_AFTER_THE_SERVER_BEGAN", "yes")
    monkeypatch.chdir(tmp_path)
    text = (
        "import os, sys\nprint(os.getsid(0) == os.getpid() == os.getpgid(0), os.getcwd(),"
        " os.environ['SET_AFTER_THE_SERVER_BEGAN'], os.environ.get('LAB_OWNER'), sys.stdin.read() == '')"
    )
    with start("test", does(text), out.fileno()) as process:
        process.ended(WAIT_S)
    assert said(out).strip() == f"True {tmp_path} yes None True"


def test_it_holds_no_descriptor_that_is_not_its_own(
    start: Start, does: Callable[[str], Path], out: IO[bytes], server: ForkServer, tmp_path: Path
) -> None:
    """A line of another cell held open would hide that cell's end."""
    (tmp_path / "other").write_text(STAY)
    text = "import os\nprint(len([n for n in os.listdir('/proc/self/fd')]) - 1)"
    with server.fork("test", tmp_path / "other", out.fileno()) as other:
        marked(tmp_path / "other")
        with start("test", does(text), out.fileno()) as process:
            process.ended(WAIT_S)
        other.terminate()
        assert other.ended(WAIT_S)
    assert said(out).splitlines()[0] == "4"  # in, out, error, its line


def test_what_it_runs_at_its_exit_is_run_once(
    start: Start, does: Callable[[str], Path], out: IO[bytes]
) -> None:
    with start("test", does("import atexit; atexit.register(print, 'bye')"), out.fileno()) as process:
        process.ended(WAIT_S)
    assert said(out).count("bye") == 1


def test_its_news_reach_the_owner_once_and_in_time(
    start: Start, does: Callable[[str], Path], out: IO[bytes]
) -> None:
    heard: list[str] = []
    text = "owner.tell('answered'); owner.tell('answered'); owner.tell('last')"
    with start("test", does(text), out.fileno(), on_event=heard.append) as process:
        process.ended(WAIT_S)
    assert heard == [owner.ANSWERED, "last"]


def test_at_its_deadline_it_is_asked_to_end_and_unwinds(
    start: Start, does: Callable[[str], Path], out: IO[bytes]
) -> None:
    path = does(f"try:\n    {STAY.replace(chr(10), chr(10) + '    ')}\nfinally:\n    print('unwound')")
    with start("test", path, out.fileno()) as process:
        marked(path)
        assert not process.ended(0.01)
        process.end()
        assert process.code == 1
    assert "unwound" in said(out)
    assert "cancelled by the orchestrator" in said(out)


def test_one_that_does_not_end_is_killed_with_its_group(
    start: Start, does: Callable[[str], Path], out: IO[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(child, "GRACE_S", 0.2)
    text = (
        "import signal, subprocess\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "inner = subprocess.Popen(['sleep', '600'])\nprint(inner.pid, flush=True)\nmark.touch()\ninner.wait()"
    )
    path = does(text)
    with start("test", path, out.fileno()) as process:
        marked(path)
    assert process.code == -signal.SIGKILL
    inner = int(said(out).splitlines()[0])
    wait_for(lambda: gone(inner), what="the end of its child", timeout_s=WAIT_S)


def test_leaving_the_with_by_an_error_leaves_no_process(
    start: Start, does: Callable[[str], Path], out: IO[bytes]
) -> None:
    path = does(STAY)
    pids = []

    def fail() -> None:
        with start("test", path, out.fileno()) as process:
            pids.append(process.pid)
            marked(path)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert gone(pids[0])


ORCHESTRATOR = """
import sys, time
from pathlib import Path
from lab.running import child, forkserver, forkserver_client
forkserver.WORK['test'] = 'work_of_tests'
forkserver_client.MODULE = 'server_of_tests'
start = forkserver_client.ForkServer().fork if sys.argv[1] == 'forked' else child.started
process = start('test', Path(sys.argv[2]), 1)
print(process.pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("way", ["forked", "started"])
def test_it_ends_when_the_orchestrator_is_killed(
    modules: None, does: Callable[[str], Path], way: str
) -> None:
    path = does(STAY)
    orchestrator = subprocess.Popen(
        [sys.executable, "-c", ORCHESTRATOR, way, str(path)], stdout=subprocess.PIPE, env=child.environment()
    )
    assert orchestrator.stdout is not None
    with orchestrator:
        pid = int(orchestrator.stdout.readline())
        marked(path)
        others = [one.pid for one in psutil.Process(orchestrator.pid).children(recursive=True)]
        orchestrator.kill()
    wait_for(lambda: gone(pid) and all(gone(one) for one in others), what="the end of all", timeout_s=WAIT_S)


class TestTheServer:
    """What only forked processes can meet."""

    def test_has_one_thread_and_no_connection_once_it_is_ready(self) -> None:
        """The real preload: everything imported, nothing begun."""
        text = (
            "from lab.running import forkserver\nforkserver.preload()\n"
            "import sys\nfrom lab.machine import driver, embedded, machine\n"
            "assert {'libvirt', 'pytest', 'lab.running.attempt', 'lab.pytest_plugin'} <= set(sys.modules)\n"
            "print('ready', forkserver.threads(), driver._loop_started, embedded._opened,"
            " machine._lasting.cache_info().currsize)"
        )
        environment = {**child.environment(), **dict.fromkeys(forkserver_client.ONE_THREAD, "1")}
        done = subprocess.run(
            [sys.executable, "-c", text], capture_output=True, text=True, env=environment, check=False
        )
        assert "ready 1 False None 0" in done.stdout, done.stdout + done.stderr

    def test_a_cell_outlives_it_and_its_end_is_still_seen(
        self, modules: None, does: Callable[[str], Path], out: IO[bytes]
    ) -> None:
        own = ForkServer()
        path = does(STAY)
        with own.fork("test", path, out.fileno()) as process:
            marked(path)
            own.process.kill()
            own.process.wait()
            assert not process.ended(0.2)
            process.terminate()
            assert process.ended(WAIT_S)
            assert process.code is None
        own.close()

    def test_after_it_died_processes_are_started_from_nothing_and_then_forked_by_a_new_one(
        self, modules: None, does: Callable[[str], Path], out: IO[bytes], capsys: pytest.CaptureFixture[str]
    ) -> None:
        spawner = Spawner()
        spawner.preload()
        first = spawner._server
        assert first is not None
        first.process.kill()
        with spawner.start("test", does("code = 5"), out.fileno()) as process:
            assert process.ended(WAIT_S)
            assert process.code == 5
            assert process._process is not None
        assert "processes are started from nothing" in "".join(capsys.readouterr())
        with spawner.start("test", does("code = 6"), out.fileno()) as process:
            assert process.ended(WAIT_S)
            assert process.code == 6
            assert process._process is None
        spawner.close()

    def test_what_kills_every_server_is_not_tried_for_ever(
        self, modules: None, does: Callable[[str], Path], out: IO[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(forkserver_client, "MODULE", "no_such_module")
        spawner = Spawner()
        spawner.preload()
        for _ in range(5):
            with spawner.start("test", does("code = 5"), out.fileno()) as process:
                assert process.ended(WAIT_S)
        assert spawner._server is None
        assert spawner._starts == forkserver_client.MOST_STARTS

    def test_a_server_that_cannot_start_says_why(
        self, modules: None, out: IO[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(forkserver_client, "MODULE", "no_such_module")
        broken = ForkServer()
        with pytest.raises(ServerGone, match="No module named no_such_module"):
            broken.fork("test", Path("x"), out.fileno())
        broken.close()

    def test_a_server_that_is_no_longer_wanted_while_it_imports_ends_and_leaves_nothing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("TMPDIR", str(tmp_path))
        monkeypatch.setattr(forkserver_client, "MODULE", "lab.running.forkserver")
        own = ForkServer()
        wait_for(
            lambda: any(tmp_path.glob("lab-preload-*")) or own.process.poll() is not None,
            what="the last of its imports",
            timeout_s=WAIT_S,
            interval_s=0.002,
        )
        own.close()
        assert own.process.returncode in (0, -signal.SIGTERM)
        assert list(tmp_path.iterdir()) == []

    def test_an_environment_too_large_for_a_request_is_refused(
        self, server: ForkServer, out: IO[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("HUGE", "x" * 100_000)
        monkeypatch.setenv("HUGE_TOO", "x" * 100_000)
        with pytest.raises(ServerGone, match="too long"):
            server.fork("test", Path("x"), out.fileno())

    def test_many_threads_fork_at_once_and_each_gets_its_own(
        self, server: ForkServer, tmp_path: Path, out: IO[bytes]
    ) -> None:
        codes: dict[int, Any] = {}

        def run(number: int) -> None:
            path = tmp_path / f"work{number}"
            path.write_text(f"code = {number}")
            with server.fork("test", path, out.fileno()) as process:
                process.ended(WAIT_S)
                codes[number] = process.code

        threads = [threading.Thread(target=run, args=(number,)) for number in range(20)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(WAIT_S)
        assert codes == {number: number for number in range(20)}
        assert not [one for one in psutil.Process(server.process.pid).children() if one.pid != os.getpid()]

    def test_a_child_whose_owner_left_before_the_word_does_nothing(
        self, server: ForkServer, does: Callable[[str], Path], out: IO[bytes], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(forkserver_client, "GO", b"no")
        path = does("mark.touch()")
        with server.fork("test", path, out.fileno()) as process:
            assert process.ended(WAIT_S)
            assert process.code == 0
        assert not path.with_name("work.mark").exists()
