"""What makes the scanner an app on a phone: its service worker and its manifest; its icons are in `icons.py`."""

import json

from litestar import Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath

from boxoffice.box import BoxOffice
from boxoffice.door.device import night_of
from boxoffice.edge.module_files import module_files, module_url, modules_version
from boxoffice.edge.render import path_part
from boxoffice.edge.static_files import static_files, static_url
from boxoffice.edge.style_sheet import preloaded_fonts
from boxoffice.edge.vendor_files import vendor_url
from boxoffice.web.door.icons import manifest_icons
from boxoffice.web.door.policy import VENDOR

WORKER = "service-worker.js"


@get("/door/service-worker.js", include_in_schema=False)
async def door_service_worker() -> Response[str]:
    """Served from the folder that it may look after. Another version of any file is another worker."""
    vendor = (vendor_url(package, file) for package, file in VENDOR.values())
    files = [
        *(static_url("app.css"), static_url("icon.svg"), *preloaded_fonts()),
        *(module_url("door", name) for name in module_files("door") if name != WORKER),
        *(address for address in vendor if address),
    ]
    version = f"{modules_version('door')}-{static_files()['app.css'].version}"
    told = f"const VERSION = {json.dumps(version)};\nconst FILES = {json.dumps(files)};\n"
    script = told + module_files("door")[WORKER].decode()
    return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@get("/door/{slug:str}/app.webmanifest", include_in_schema=False)
async def door_manifest(box: NamedDependency[BoxOffice], slug: FromPath[str]) -> Response[bytes]:
    """How a phone keeps the scanner of a night among its apps. Raises NotFound."""
    async with box.db.transaction() as connection:
        night = await night_of(connection, slug)
    address = f"/door/{path_part(night.slug)}"
    manifest = {
        "id": address,
        "name": f"Door · {night.title}",
        "short_name": "Door",
        "start_url": address,
        "scope": "/door/",
        "display": "standalone",
        "background_color": "#0a0b08",
        "theme_color": "#0a0b08",
        "icons": manifest_icons(),
    }
    content = json.dumps(manifest, ensure_ascii=False).encode()
    return Response(content, media_type="application/manifest+json", headers={"Cache-Control": "no-cache"})
