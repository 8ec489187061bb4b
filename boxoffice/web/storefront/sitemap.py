"""`/sitemap.xml` and `/robots.txt`: what search engines may read, and where it is.

Source: https://www.sitemaps.org/protocol.html and RFC 9309.
"""

from datetime import UTC
from xml.sax.saxutils import escape

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.types import Scope

from boxoffice.box import BoxOffice
from boxoffice.catalogue.addresses import public_addresses
from boxoffice.edge.render import shared_page

KEPT_AN_HOUR = "public, max-age=3600"
ROBOTS = """User-agent: *
Disallow: /api/
Disallow: /orders/
Disallow: /tickets
Disallow: /events/*/checkout
Disallow: /guests/

Sitemap: {base_url}/sitemap.xml
"""


@get("/sitemap.xml", include_in_schema=False)
async def show_sitemap(scope: Scope, box: NamedDependency[BoxOffice]) -> Response[bytes]:
    """Every public page with the day of its last change."""
    base_url = box.settings.base_url

    async def make() -> bytes:
        async with box.db.transaction() as connection:
            addresses = await public_addresses(connection)
        urls = [f"<url><loc>{escape(base_url + path)}</loc></url>" for path in ("/", "/past")]
        for one in addresses:
            changed = one.changed_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            urls.append(f"<url><loc>{escape(base_url)}/{one.kind}/{one.slug}</loc><lastmod>{changed}</lastmod></url>")
        head = '<?xml version="1.0" encoding="UTF-8"?>\n<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        return (head + "\n".join(urls) + "\n</urlset>\n").encode()

    sitemap = await box.shared_pages.get("sitemap", make)
    return shared_page(scope, sitemap, KEPT_AN_HOUR, "application/xml; charset=utf-8")


@get("/robots.txt", include_in_schema=False)
async def show_robots(scope: Scope, box: NamedDependency[BoxOffice]) -> Response[bytes]:
    """Orders and tickets are nobody's to index; the rest is."""
    text = ROBOTS.format(base_url=box.settings.base_url).encode()
    return shared_page(scope, text, KEPT_AN_HOUR, "text/plain; charset=utf-8")
