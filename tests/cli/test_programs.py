"""Programs that run together end together."""

import os
import socket
import sys

import pytest

from boxoffice.cli.programs import ProgramEnded, Programs

SLEEPS = [sys.executable, "-c", "import time; time.sleep(60)"]
ENDS = [sys.executable, "-c", "raise SystemExit(3)"]
CALLS = "import socket, sys, time; s = socket.create_connection(('127.0.0.1', int(sys.argv[1]))); time.sleep(60)"
STUBBORN_WITH_A_CHILD = (
    "import signal, subprocess, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    f"subprocess.run([sys.executable, '-c', {CALLS!r}, sys.argv[1]])"
)


def test_whoever_stops_by_itself_is_named() -> None:
    programs = Programs()
    programs.start("one", SLEEPS, os.environ)
    programs.start("other", ENDS, os.environ)
    try:
        with pytest.raises(ProgramEnded, match="The other stopped by itself"):
            programs.wait()
    finally:
        programs.stop()


def test_whoever_never_answers_is_named() -> None:
    programs = Programs()
    programs.start("other", ENDS, os.environ)
    with pytest.raises(ProgramEnded, match="The other did not start"):
        programs.wait_until("other", lambda: False)
    programs.stop()


def test_nobody_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("boxoffice.cli.programs.STOP_SECONDS", 0.2)
    programs = Programs()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)
        port = str(listener.getsockname()[1])
        programs.start("stubborn", [sys.executable, "-c", STUBBORN_WITH_A_CHILD, port], os.environ)
        grandchild, _ = listener.accept()
        with grandchild:
            programs.stop()
            grandchild.settimeout(10)
            assert grandchild.recv(1) == b""
