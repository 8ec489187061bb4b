"""The typesetter: one page at a time, from data that is never markup, without a disk to write on."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from boxoffice.foundation.letters_of_fonts import LEFT_OUT, writable
from boxoffice.foundation.typeset import WAITING_MAX, NotSetHere, Typesetter
from tests.paper import pages

LINE = """
#set document(title: "A line", date: none)
#set text(lang: "en", font: fonts("Archivo"))
#alone(data.line)
"""
# A folder that nobody can write to, not even root.
NOWHERE_TO_WRITE = "/proc"
IN_A_PROGRAM = """
import asyncio, pathlib, sys
from boxoffice.foundation.typeset import Typesetter
pdf = asyncio.run(Typesetter().pdf(pathlib.Path(sys.argv[1]), {"line": "Hallo", "han": []}))
sys.stdout.buffer.write(pdf)
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "line.typ"
    path.write_text(LINE)
    return path


def line(words: str) -> dict[str, object]:
    return {"line": words, "han": []}


async def test_the_same_content_is_set_once(template: Path) -> None:
    typesetter = Typesetter()
    first, second = await asyncio.gather(
        typesetter.pdf(template, line("Hallo")), typesetter.pdf(template, line("Hallo"))
    )
    assert first is second
    assert await typesetter.pdf(template, line("Hallo")) is first
    assert pages(await typesetter.pdf(template, line("Guten Abend"))) == ["Guten Abend"]


async def test_a_crowd_is_told_to_come_back(template: Path) -> None:
    typesetter = Typesetter()
    wanted = [typesetter.pdf(template, line(f"{number}")) for number in range(WAITING_MAX + 5)]
    answers = await asyncio.gather(*wanted, return_exceptions=True)
    refused = [one for one in answers if isinstance(one, NotSetHere)]
    assert len(refused) == 5
    assert sum(isinstance(one, bytes) for one in answers) == WAITING_MAX
    assert await typesetter.pdf(template, line("afterwards"))


def test_nothing_is_written_to_disk(template: Path) -> None:
    program = [sys.executable, "-c", IN_A_PROGRAM, str(template)]
    here = str(Path(__file__).parent.parent.parent)
    made = subprocess.run(
        program,
        check=False,
        cwd=NOWHERE_TO_WRITE,
        env={"PYTHONPATH": here, "HOME": NOWHERE_TO_WRITE},
        capture_output=True,
    )
    assert made.returncode == 0, made.stderr.decode()
    assert pages(made.stdout) == ["Hallo"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Zoë Šimůnek", "Zoë Šimůnek"),
        ("王小明", "王小明"),
        ("👩🏽‍🚀 ❤️ 1️⃣", "👩🏽‍🚀 ❤️ 1️⃣"),
        ("ᯀᯂ Siregar", f"{LEFT_OUT} Siregar"),
        ("a\ufeffb", "ab"),
        ("🎧\u0301", "🎧"),
        ("e\u0301", "e\u0301"),
        ("\ue000\ud83dx", f"{LEFT_OUT}x"),
    ],
)
def test_what_fonts_can_write(written: str, shown: str) -> None:
    assert writable(written) == shown
