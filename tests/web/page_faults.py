"""What is wrong with a page: axe's findings, what sticks out of the window, and HTML that is not valid."""

import asyncio
import json
import os
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from playwright.async_api import Page

ROOT = Path(__file__).resolve().parent.parent.parent
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RULES = (*WCAG, "best-practice")
WITH_NODE = os.environ | {"PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
"""The Node of the Python wheel comes first here: the checking tools want a newer one than systems have."""


async def page_faults(page: Page, rules: tuple[str, ...] = RULES) -> list[str]:
    """What axe finds, and whether the page is wider than its window."""
    await page.evaluate(_axe())
    run = "async (rules) => (await axe.run(document, {runOnly: rules, iframes: false})).violations"
    found = cast("list[dict[str, Any]]", await page.evaluate(run, list(rules)))
    words = [f"{one['id']}: {[node['html'][:110] for node in one['nodes'][:12]]}" for one in found]
    width, room = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return words if width <= room else [*words, f"{width} wide in a window of {room}"]


async def html_faults(pages: dict[str, str]) -> dict[str, list[str]]:
    """What html-validate says about each page by its name; those without a fault are left out.

    htmlvalidate.json leaves out matters of style, and two that we mean: `role="list"`, without which Safari no longer
    calls an unmarked list one, and the refresh inside `<noscript>` of a page where an order waits for its turn.
    """
    with TemporaryDirectory() as folder:
        names = list(pages)
        for number, name in enumerate(names):
            (Path(folder) / f"{number}.html").write_text(pages[name])
        command = [
            *(str(ROOT / "node_modules" / ".bin" / "html-validate"), "--formatter", "json"),
            *("--config", str(ROOT / "tests" / "web" / "htmlvalidate.json"), folder),
        ]
        with (Path(folder) / "found.json").open("wb") as found_here:  # a pipe loses the end of what is long
            process = await asyncio.create_subprocess_exec(
                *command, env=WITH_NODE, stdout=found_here, stderr=asyncio.subprocess.PIPE
            )
            _, wrong = await process.communicate()
        out = (Path(folder) / "found.json").read_bytes()
    assert process.returncode in (0, 1), wrong.decode()
    found: dict[str, list[str]] = {}
    for file in json.loads(out):
        told = [f"{one['ruleId']}, line {one['line']}: {one['message']}" for one in file["messages"]]
        found[names[int(Path(file["filePath"]).stem)]] = told
    return {name: told for name, told in found.items() if told}


@cache
def _axe() -> str:
    return (ROOT / "node_modules" / "axe-core" / "axe.min.js").read_text()
