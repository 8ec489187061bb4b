"""strace, which kills a program at the Nth of its writes, before that is done."""

import asyncio
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

WRITES = "write,writev,pwrite64,pwritev,sendto,sendmsg,sendmmsg"
"""All by which a program tells anything to anybody: database, Stripe, mail server, buyers, its own threads, the log."""
ATTACH_SECONDS = 20
NOT_HERE = "strace is missing: `apt-get install strace`."
FORBIDDEN = (
    "strace may not attach to a program here: a container needs `--cap-add=SYS_PTRACE`, a machine "
    "`sysctl kernel.yama.ptrace_scope=0` or root."
)


class NoStrace(Exception):
    """No program can be killed at a write on this machine; the text says what to do."""


def under(number: int, line: Sequence[str]) -> list[str]:
    """The command line that runs `line` until the `number`th write of its main thread, and kills it there."""
    return ["strace", *_kill_at(number), *line]


async def attach(number: int, threads: Sequence[int]) -> "subprocess.Popen[bytes]":
    """Kills the process of these threads at the `number`th write of one of them from now on. strace ends with it; ended
    before, it lets go. Raises NoStrace."""
    seconds = 0.0
    with tempfile.TemporaryFile() as said:
        every = [part for thread in threads for part in ("-p", str(thread))]
        strace = _started(["strace", *_kill_at(number), *every], stderr=said)
        while not all(map(_is_traced, threads)):
            if strace.poll() is not None or seconds > ATTACH_SECONDS:
                strace.kill()
                strace.wait()
                said.seek(0)
                raise NoStrace(f"{FORBIDDEN} strace said: {said.read().decode().strip()}")
            await asyncio.sleep(0.01)
            seconds += 0.01
    return strace


def let_go(strace: "subprocess.Popen[bytes]") -> None:
    """The program goes on without it."""
    if strace.poll() is None:
        strace.send_signal(signal.SIGTERM)
    strace.wait()


async def try_it() -> None:
    """Raises NoStrace when no program can be killed at its writes here."""
    if shutil.which("strace") is None:
        raise NoStrace(NOT_HERE)
    idle = _started([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        let_go(await attach(1, [idle.pid]))
    finally:
        idle.kill()
        idle.communicate()


def serving_process(master: int) -> int:
    """The process of a server that answers: the server itself only starts it and starts it again."""
    (process,) = map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split())
    return process


def threads_of(process: int) -> list[int]:
    """Its threads, the main one first."""
    return sorted(map(int, (one.name for one in Path(f"/proc/{process}/task").iterdir())))


def is_dead(process: int) -> bool:
    """Whether it runs no more; its parent may not know yet."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0]
    except OSError:
        return True
    return state in "ZX"


def _started(
    line: Sequence[str], stdin: int | None = None, stderr: IO[bytes] | None = None
) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(line, stdin=stdin, stderr=stderr, start_new_session=True)


def _kill_at(number: int) -> list[str]:
    return ["-qq", "-o", "/dev/null", "-e", f"trace={WRITES}", "-e", f"inject={WRITES}:signal=SIGKILL:when={number}"]


def _is_traced(thread: int) -> bool:
    try:
        status = Path(f"/proc/{thread}/status").read_text()
    except OSError:
        return False
    return "TracerPid:\t0\n" not in status
