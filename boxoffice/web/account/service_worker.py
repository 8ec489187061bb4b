"""`/tickets/service-worker.js`: what makes an opened ticket readable without a network."""

from litestar import Response, get

from boxoffice.edge.static_files import static_files


@get("/tickets/service-worker.js", include_in_schema=False)
async def service_worker() -> Response[bytes]:
    """Served from the folder that it may look after: `/tickets/` and nothing above."""
    file = static_files()["service-worker.js"]
    return Response(file.content, media_type=file.type, headers={"Cache-Control": "no-cache"})
