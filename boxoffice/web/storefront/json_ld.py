"""A night as machines read it: schema.org's MusicEvent with its offers; an artist and a venue too.

Source: https://schema.org/MusicEvent and https://schema.org/ItemAvailability.
"""

from decimal import Decimal
from typing import Any

from boxoffice.catalogue.artist import Artist
from boxoffice.catalogue.night import Night, NightRow, Offer
from boxoffice.catalogue.venue import Venue
from boxoffice.edge.render import iso
from boxoffice.foundation.money import exponent

SCHEMA = "https://schema.org"
AVAILABILITY = {
    "open": "InStock",
    "not_yet": "PreOrder",
    "ended": "OutOfStock",
    "cancelled": "Discontinued",
    "sold_out": "SoldOut",
}


def event_ld(night: Night, base_url: str) -> dict[str, Any]:
    """The whole night; every price as the page and the API say it."""
    row = night.row
    url = f"{base_url}/events/{row.slug}"
    told: dict[str, Any] = {
        "@context": SCHEMA,
        "@type": "MusicEvent",
        "@id": url,
        "url": url,
        "name": row.title,
        "image": [f"{url}/picture.png", f"{url}/poster.svg"],
        "startDate": iso(row.starts_at, row.time_zone),
        "endDate": iso(row.ends_at, row.time_zone),
        "doorTime": iso(row.doors_at, row.time_zone),
        "eventStatus": f"{SCHEMA}/{_status(row)}",
        "eventAttendanceMode": f"{SCHEMA}/OfflineEventAttendanceMode",
        "isAccessibleForFree": all(rung.price_minor == 0 for offer in night.offers for rung in offer.rungs),
        "location": _location(row, base_url),
        "organizer": {"@type": "Organization", "name": row.organiser, "url": base_url},
        "performer": [
            {"@type": "MusicGroup", "name": act.artist, "url": f"{base_url}/artists/{act.artist_slug}"}
            for act in night.line_up
        ],
        "offers": [_offer(night, offer, url) for offer in night.offers],
    }
    if row.subtitle:
        told["description"] = row.subtitle
    if row.moved_from_starts_at is not None:
        told["previousStartDate"] = iso(row.moved_from_starts_at, row.time_zone)
    if night.genres:
        told["keywords"] = [genre.name for genre in night.genres]
    if row.age_minimum:
        told["typicalAgeRange"] = f"{row.age_minimum}-"
    return told


def artist_ld(artist: Artist, base_url: str) -> dict[str, Any]:
    """An artist of their own."""
    url = f"{base_url}/artists/{artist.slug}"
    return {"@context": SCHEMA, "@type": "MusicGroup", "@id": url, "url": url, "name": artist.name}


def venue_ld(venue: Venue, base_url: str) -> dict[str, Any]:
    """A venue of its own."""
    place = _place(venue.name, venue.address, venue.city, venue.country, venue.latitude, venue.longitude)
    told = {"@context": SCHEMA} | place | {"url": f"{base_url}/venues/{venue.slug}"}
    if venue.capacity is not None:
        told["maximumAttendeeCapacity"] = venue.capacity
    return told


def _status(row: NightRow) -> str:
    if row.status == "cancelled":
        return "EventCancelled"
    return "EventRescheduled" if row.moved_from_starts_at is not None else "EventScheduled"


def _location(row: NightRow, base_url: str) -> dict[str, Any]:
    place = _place(
        row.venue_name, row.venue_address, row.venue_city, row.venue_country, row.venue_latitude, row.venue_longitude
    )
    return place | {"url": f"{base_url}/venues/{row.venue_slug}"}


def _place(
    name: str, street: str, city: str, country: str, latitude: float | None, longitude: float | None
) -> dict[str, Any]:
    address = {"@type": "PostalAddress", "streetAddress": street, "addressLocality": city, "addressCountry": country}
    place: dict[str, Any] = {"@type": "MusicVenue", "name": name, "address": address}
    if latitude is not None and longitude is not None:
        place["geo"] = {"@type": "GeoCoordinates", "latitude": latitude, "longitude": longitude}
    return place


def _offer(night: Night, offer: Offer, url: str) -> dict[str, Any]:
    row = night.row
    told: dict[str, Any] = {
        "@type": "Offer",
        "name": f"{offer.name}: {offer.now.name}" if offer.now.name != offer.name else offer.name,
        "url": url,
        "price": str(Decimal(offer.now.price_minor).scaleb(-exponent(row.currency))),
        "priceCurrency": row.currency.upper(),
        "availability": f"{SCHEMA}/{_availability(night, offer)}",
        "validThrough": iso(row.sale_ends_at, row.time_zone),
    }
    if row.sale_starts_at is not None:
        told["validFrom"] = iso(row.sale_starts_at, row.time_zone)
    return told


def _availability(night: Night, offer: Offer) -> str:
    if night.sale != "open":
        return AVAILABILITY[night.sale]
    if offer.entry_ended:
        return AVAILABILITY["ended"]
    if not offer.quantity_max:
        return "SoldOut"
    return "LimitedAvailability" if night.few_left else "InStock"
