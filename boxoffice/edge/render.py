"""Pages from templates, and how money, times and codes read on them."""

import hashlib
import unicodedata
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import quote, urlencode
from zoneinfo import ZoneInfo

import msgspec
from litestar import Response
from litestar.datastructures import Cookie
from litestar.types import Scope
from markupsafe import Markup

from boxoffice.catalogue.palettes import palette_of
from boxoffice.edge.letters import stretched
from boxoffice.edge.module_files import module_url
from boxoffice.edge.static_files import static_url
from boxoffice.edge.style_sheet import STRETCHES, preloaded_fonts
from boxoffice.edge.wallet_passes import wallets_of
from boxoffice.foundation.letters_of_fonts import fonts_built
from boxoffice.foundation.money import exponent
from boxoffice.foundation.person_name import DIRECTION
from boxoffice.foundation.problems import Problem, TooOften
from boxoffice.foundation.written import (
    LANGUAGE,
    write_clock_change,
    write_code,
    write_date,
    write_day,
    write_money,
    write_time,
    write_zone,
)
from boxoffice.settings import Settings

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent.parent / "templates"
NEVER_KEPT = "no-store"
LONG = 26  # letters: a longer title is set smaller
LAST_OF_CYRILLIC = "\u052f"
LINE = 930  # letters times their width in percent: what a title of --title-size holds in one line
DESCRIPTION_TAGS = {"a", "blockquote", "br", "em", "h3", "h4", "hr", "li", "ol", "p", "strong", "ul"}


def page(
    settings: Settings,
    template: str,
    *,
    status: int = 200,
    cache_control: str = NEVER_KEPT,
    cookies: list[Cookie] | None = None,
    headers: dict[str, str] | None = None,
    **values: Any,
) -> Response[str]:
    """An HTML page. It is kept by nobody unless `cache_control` says otherwise."""
    return Response(
        rendered(settings, template, **values),
        status_code=status,
        media_type="text/html",
        headers={"Cache-Control": cache_control, **(headers or {})},
        cookies=cookies,
    )


SHARED_BRIEFLY = "public, max-age=5, s-maxage=5, stale-while-revalidate=30"
"""How long browsers and a CDN may keep what everyone is shown alike."""


def shared_page(
    scope: Scope, body: bytes, cache_control: str = SHARED_BRIEFLY, media_type: str = "text/html; charset=utf-8"
) -> Response[bytes]:
    """What everyone is shown alike, made before: with a tag of its content, so that who has it already gets 304."""
    tag = _tag_of(body)
    headers = {"Cache-Control": cache_control, "ETag": tag}
    asked = next((value for name, value in scope["headers"] if name == b"if-none-match"), b"").decode("latin-1")
    if asked and tag in [one.strip().removeprefix("W/") for one in asked.split(",")]:
        return Response(b"", status_code=304, media_type=media_type, headers=headers)
    return Response(body, media_type=media_type, headers=headers)


@lru_cache(maxsize=256)
def _tag_of(body: bytes) -> str:
    return f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'


def for_script(value: Any) -> Markup:
    """`value` as JSON for a `<script>` that holds data: nothing in it can end the element."""
    text = msgspec.json.encode(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - no character of HTML is left in it


def rendered(settings: Settings, template: str, **values: Any) -> str:
    """A template as HTML."""
    of_the_house = {
        "test_mode": settings.stripe is not None and not settings.stripe.livemode,
        "base_url": settings.base_url,
        "wallets": wallets_of(settings),
    }
    return environment().get_template(template).render(of_the_house, **values)


def retry_after(problem: Problem | None) -> dict[str, str]:
    """The header that tells programs when to come again, where the problem knows it."""
    return {"Retry-After": str(problem.retry_after_seconds)} if isinstance(problem, TooOften) else {}


def see_other(
    path: str, *, cookies: list[Cookie] | None = None, headers: dict[str, str] | None = None
) -> Response[str]:
    """303: the browser goes there by GET. Only for addresses of our own making."""
    return Response(
        "",
        media_type="text/plain",
        status_code=303,
        headers={"Location": path, "Cache-Control": NEVER_KEPT, **(headers or {})},
        cookies=cookies,
    )


@cache
def environment() -> "Environment":
    """Escapes everything; a name that no one gave is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - programs are answered without it

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    cast("dict[str, Any]", made.filters).update(FILTERS)
    wordmark = stretched("BOX OFFICE", 1, 1, 204, 28)[0]
    shared = {
        "fonts": preloaded_fonts(),
        "map_link": map_link,
        "module": module_url,
        "printable": fonts_built,
        "static": static_url,
        "wordmark": wordmark,
    }
    cast("dict[str, Any]", made.globals).update(shared)
    return made


def short_day(instant: datetime, time_zone: str) -> str:
    """ "Fri 4 Dec 2026" in the zone."""
    return write_date(instant, time_zone, "EEE d MMM y")


def moment(instant: datetime, time_zone: str) -> str:
    """ "Fri 4 Dec 2026, 23:00" in the zone."""
    return f"{short_day(instant, time_zone)}, {write_time(instant, time_zone)}"


def month(year_and_month: str) -> str:
    """ "December 2026" of "2026-12"."""
    return write_date(datetime.fromisoformat(f"{year_and_month}-01T12:00+00:00"), "UTC", "MMMM y")


def country(code: str) -> str:
    """The country's name in our language; the code itself where that knows none."""
    from babel import Locale  # noqa: PLC0415 - slow to load, and programs are answered without it

    return cast("dict[str, str]", Locale.parse(LANGUAGE).territories).get(code, code)


def map_link(latitude: float, longitude: float) -> str:
    """A map of the place that anyone may look at, with a mark on it."""
    return (
        f"https://www.openstreetmap.org/?mlat={latitude:.6f}&mlon={longitude:.6f}#map=17/{latitude:.6f}/{longitude:.6f}"
    )


def with_query(path: str, query: dict[str, str]) -> str:
    """`path` with the parameters of `query`."""
    return f"{path}?{urlencode(query)}" if query else path


def iso(instant: datetime, time_zone: str) -> str:
    """For `<time datetime>`: the wall clock with its offset."""
    return instant.astimezone(ZoneInfo(time_zone)).isoformat(timespec="minutes")


def path_part(text: str) -> str:
    """`text` as one part of an address: check characters may be * ~ $ or =."""
    return quote(text, safe="~")


def hue(slug: str) -> str:
    """The class by which a page wears its night's colours."""
    return f"hue-{palette_of(slug).name}"


def fit(text: str) -> str:
    """The class that gives `text` the widest letters with which its longest word still fills a line of its own; `tall`
    where letters reach further up and down than Latin ones."""
    word = max((sum(_breadth(letter) for letter in word) for word in text.split()), default=1)
    width = next((width for width in sorted(STRETCHES, reverse=True) if word * (width - 4) <= LINE), min(STRETCHES))
    tall = any(letter.isalpha() and letter > LAST_OF_CYRILLIC for letter in text)
    return f"fit-{width}{' long' if len(text) > LONG else ''}{' tall' if tall else ''}"


def _breadth(letter: str) -> float:
    """How broad a letter is beside the average one."""
    return 1.25 if letter.isupper() or letter in "mw@" else 0.55 if letter in "iljtfr.,:'’!-" else 1


def plain(text: str) -> str:
    """`text` without marks that would turn the direction of what stands beside it."""
    return DIRECTION.sub("", unicodedata.normalize("NFC", text))


def plural(number: int, one: str, many: str) -> str:
    """ "1 ticket", "2 tickets"."""
    return f"{number} {one if number == 1 else many}"


def described(text: str) -> Markup:
    """An organiser's Markdown as HTML: raw HTML is text, and only plain tags and web links come out."""
    import nh3  # noqa: PLC0415 - these two are slow to load, and few pages need them
    from markdown_it import MarkdownIt  # noqa: PLC0415

    html = MarkdownIt("commonmark", {"html": False, "linkify": False}).render(text)
    return Markup(  # noqa: S704 - cleaned in this very line
        nh3.clean(html, tags=DESCRIPTION_TAGS, attributes={"a": {"href"}}, url_schemes={"http", "https", "mailto"})
    )


FILTERS = {
    "calendar_day": write_date,
    "clock_change": write_clock_change,
    "country": country,
    "day": write_day,
    "decimals": exponent,
    "described": described,
    "fit": fit,
    "grouped": write_code,
    "hue": hue,
    "for_script": for_script,
    "iso": iso,
    "moment": moment,
    "money": write_money,
    "month": month,
    "path": path_part,
    "plain": plain,
    "plural": plural,
    "short_day": short_day,
    "time": write_time,
    "with_query": with_query,
    "zone": write_zone,
}
