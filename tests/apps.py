"""Applications, built once a worker for each kind of settings, for building one takes longer than most tests do.

Every test furnishes one anew, with a box office of its own.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from httpx import ASGITransport
from litestar import Litestar

from boxoffice.app import create_app
from boxoffice.box import BoxOffice
from boxoffice.settings import Settings

_idle: dict[Settings, list[BoxOffice]] = {}
_apps: dict[BoxOffice, Litestar] = {}


@contextmanager
def furnished(settings: Settings) -> Generator[BoxOffice]:
    """A box office that remembers nothing, in the place of one that an application may have been built for."""
    idle = _idle.setdefault(replace(settings, database_url="", database_url_direct=""), [])
    box = BoxOffice.from_settings(settings)
    if idle:
        known = idle.pop()
        vars(known).clear()
        vars(known).update(vars(box))
        box = known
    yield box
    idle.append(box)


def app_of(box: BoxOffice) -> Litestar:
    """The application of a furnished box office."""
    return _apps.get(box) or _apps.setdefault(box, create_app(box))


def transport(box: BoxOffice) -> ASGITransport:
    """The way to it without a server; a crash is the answer that people would get."""
    return ASGITransport(app=cast("Any", app_of(box)), raise_app_exceptions=False)
