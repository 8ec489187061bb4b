"""`/static/{name}`: our own style sheets and modules."""

from litestar import MediaType, Response, get
from litestar.params import FromPath, FromQuery

from boxoffice.edge.static_files import static_files
from boxoffice.foundation.problems import NotFound


@get("/static/{name:str}", include_in_schema=False, media_type=MediaType.TEXT)
async def static_file(name: FromPath[str], v: FromQuery[str] = "") -> Response[bytes]:
    """Kept for a year under the version that the pages name; else asked for again after five minutes."""
    file = static_files().get(name)
    if file is None:
        raise NotFound("There is no such file.")
    kept = "public, max-age=31536000, immutable" if v == file.version else "public, max-age=300"
    return Response(file.content, media_type=file.type, headers={"Cache-Control": kept})
