"""The nights file: a TOML file in which an organiser writes down nights.

`nights/demo.toml` documents the format by example.
"""

import tomllib
from datetime import datetime

import msgspec

from boxoffice.catalogue.check_nights import NightsChecks
from boxoffice.catalogue.nights_file_tables import ArtistEntry, File, GenreEntry, OrganisationEntry, VenueEntry
from boxoffice.catalogue.planned_night import Night
from boxoffice.foundation.problems import FieldError, Unprocessable


class NightsFile(msgspec.Struct, frozen=True):
    """A checked file."""

    organisations: tuple[OrganisationEntry, ...]
    genres: tuple[GenreEntry, ...]
    venues: tuple[VenueEntry, ...]
    artists: tuple[ArtistEntry, ...]
    nights: tuple[Night, ...]


def read_nights_file(text: str, now: datetime) -> NightsFile:
    """Parses and checks a whole file; "in 10 days" counts from `now`.

    Raises Unprocessable with an error for every field that cannot be meant.
    """
    try:
        file = msgspec.convert(tomllib.loads(text), File)
    except tomllib.TOMLDecodeError as error:
        raise Unprocessable(f"This is not TOML: {error}.") from error
    except msgspec.ValidationError as error:
        sentence, _, path = str(error).partition(" - at `$")
        field = path.rstrip("`").lstrip(".")
        raise Unprocessable("The nights file has a field that does not fit.", (FieldError(field, sentence),)) from error
    checks = NightsChecks(file, now)
    checks.people_and_places(file)
    nights = tuple(checks.night(number, entry) for number, entry in enumerate(file.night))
    if checks.errors:
        raise Unprocessable("The nights file cannot be meant like this.", tuple(checks.errors))
    assert all(night is not None for night in nights)
    return NightsFile(
        organisations=tuple(file.organisation),
        genres=tuple(file.genre),
        venues=tuple(file.venue),
        artists=tuple(file.artist),
        nights=tuple(night for night in nights if night is not None),
    )
