"""Pages and pictures set by typst from a template of ours and data of others.

The data reaches a template as JSON and never as markup, so that nothing in it can be an instruction. One thread of this
process sets one page at a time, off the event loop; what was set is kept by its content. Nothing is written to disk.
"""

import asyncio
import hashlib
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from boxoffice.foundation import logs
from boxoffice.foundation.kept import Kept
from boxoffice.foundation.letters_of_fonts import FONTS, fonts_built
from boxoffice.foundation.problems import Unavailable

if TYPE_CHECKING:
    from typst import Compiler

SHARED = Path(__file__).parent / "typeset.typ"
KEPT_SECONDS = 3600
KEPT_MAX = 64
WAITING_MAX = 32
PIXELS_PER_POINT = 2
_INCH = 72

ACCESSIBLE: Literal["ua-1"] = "ua-1"
ACCESSIBLE_IN_WORDS = "PDF/UA-1"

Format: TypeAlias = Literal["pdf", "png"]


class NotSetHere(Unavailable):
    """The fonts were never built on this machine, or too many pages wait to be set."""


class Typesetter:
    """Sets PDF and PNG files; kept on the box office for the life of the process."""

    def __init__(self) -> None:
        self._kept: Kept[bytes] = Kept(KEPT_SECONDS, KEPT_MAX)
        self._waiting = 0

    async def pdf(self, template: Path, data: Mapping[str, object]) -> bytes:
        """A tagged PDF (PDF/UA-1, which also forbids letters that no font has). Raises NotSetHere."""
        return await self._set("pdf", template, data)

    async def png(self, template: Path, data: Mapping[str, object]) -> bytes:
        """The template's only page as a picture, two pixels a point. Raises NotSetHere."""
        return await self._set("png", template, data)

    async def _set(self, form: Format, template: Path, data: Mapping[str, object]) -> bytes:
        if not fonts_built():
            logs.error("no fonts: run `make boxoffice/static/vendor/built`")
            raise NotSetHere("This server cannot make printed pages or pictures. The page of the ticket has it all.")
        text = json.dumps(data, ensure_ascii=False, sort_keys=True)
        key = (form, template, hashlib.sha256(text.encode()).digest())
        return await self._kept.get(key, lambda: self._in_thread(form, template, text))

    async def _in_thread(self, form: Format, template: Path, data: str) -> bytes:
        if self._waiting >= WAITING_MAX:
            raise NotSetHere("Many people are printing right now. Try again in a moment.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(_thread(), _compiled, form, template, data)
        finally:
            self._waiting -= 1


def _compiled(form: Format, template: Path, data: str) -> bytes:
    from typst import TypstError  # noqa: PLC0415 - a large library that few requests need

    source = SHARED.read_bytes() + template.read_bytes()
    if form == "png":
        made = _compiler().compile(source, format="png", ppi=_INCH * PIXELS_PER_POINT, sys_inputs={"data": data})
        return cast("bytes", made)
    try:
        made = _compiler().compile(source, format="pdf", sys_inputs={"data": data}, pdf_standards=[ACCESSIBLE])
    except TypstError as problem:
        if ACCESSIBLE_IN_WORDS not in problem.message:
            raise
        # A mark on a letter of another script, which only mischief writes: better one empty box than no tickets.
        logs.warning("a page has letters that no font puts together", letters=problem.message)
        made = _compiler().compile(source, format="pdf", sys_inputs={"data": data})
    return cast("bytes", made)


@cache
def _thread() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "typesetter")


@cache
def _compiler() -> "Compiler":
    """One for the process, used by its one thread; new ones for each page would pile up what they remember."""
    from typst import Compiler, Fonts  # noqa: PLC0415

    fonts = Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(FONTS)])
    return Compiler(font_paths=fonts, ignore_system_fonts=True)
