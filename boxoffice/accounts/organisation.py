"""Organisations' people: who is a member in which role, and the one way to an organiser's night."""

from datetime import datetime
from uuid import UUID

import msgspec

from boxoffice.accounts.login import MEET
from boxoffice.accounts.sessions import Person
from boxoffice.foundation.db import Command, Connection, Query, as_id
from boxoffice.foundation.ids import new_id
from boxoffice.foundation.problems import NotFound

ORGANISER, DOOR = "organiser", "door"
ROLES = (ORGANISER, DOOR)
"""`door` runs scanners and sees what happens at the door. `organiser` may also take entries away as a file, hand out
guest lists, and book cash that was handed back."""


class Member(msgspec.Struct, frozen=True):
    """A person in an organisation."""

    email: str
    role: str
    organisation: str
    added_at: datetime


class OrganiserNight(msgspec.Struct, frozen=True):
    """A night as a member of its organisation, `person_id`, may see it in `role`."""

    id: UUID
    slug: str
    title: str
    status: str
    doors_at: datetime
    ends_at: datetime
    time_zone: str
    venue_name: str
    venue_city: str
    organisation: str
    person_id: UUID
    role: str
    now: datetime

    @property
    def is_organiser(self) -> bool:
        """Whether everything of the night is theirs to see and do."""
        return self.role == ORGANISER

    @property
    def is_over(self) -> bool:
        """Whether it took place."""
        return self.ends_at <= self.now


OF_SLUG = Query(as_id, "SELECT id FROM organisation WHERE slug = $1")
SLUGS = Query(str, "SELECT slug FROM organisation ORDER BY slug")
ADD = Command("""
INSERT INTO membership (organisation_id, person_id, role, added_at) VALUES ($1, $2, $3, clock())
ON CONFLICT (organisation_id, person_id) DO UPDATE SET role = excluded.role
""")
REMOVE = Command("""
DELETE FROM membership USING person
WHERE membership.organisation_id = $1 AND person.id = membership.person_id AND person.email = $2
""")
MEMBERS = Query(
    Member,
    """
SELECT person.email, membership.role, organisation.slug AS organisation, membership.added_at
FROM membership JOIN person ON person.id = membership.person_id
JOIN organisation ON organisation.id = membership.organisation_id
WHERE $1 = '' OR organisation.slug = $1 ORDER BY organisation.slug, person.email
""",
)
_NIGHT = """
SELECT event.id, event.slug, event.title, event.status, doors_at, ends_at, event.time_zone, venue.name AS venue_name,
  venue.city AS venue_city, organisation.name AS organisation, person_id, membership.role, clock() AS now
FROM membership JOIN organisation ON organisation.id = membership.organisation_id
JOIN event ON event.organisation_id = organisation.id JOIN venue ON venue.id = event.venue_id
WHERE membership.person_id = $1 AND event.status <> 'draft'
"""
NIGHTS = Query(OrganiserNight, f"{_NIGHT} ORDER BY doors_at, event.slug")
NIGHT = Query(OrganiserNight, f"{_NIGHT} AND event.slug = $2 AND membership.role = ANY($3::text[])")
IS_MEMBER = Query(bool, "SELECT EXISTS (SELECT FROM membership WHERE person_id = $1) AS is_member")


async def add_member(connection: Connection, email: str, organisation: str, role: str) -> None:
    """Makes whoever has this address (in the form of `read_email`) a member, or changes their role. Raises NotFound."""
    assert role in ROLES
    organisation_id = await organisation_named(connection, organisation)
    person = await MEET.first(connection, new_id(), email)
    assert person is not None
    await ADD.run(connection, organisation_id, person.id, role)


async def remove_member(connection: Connection, email: str, organisation: str) -> bool:
    """Their next click finds nothing any more; False for who was no member. Raises NotFound."""
    return await REMOVE.run(connection, await organisation_named(connection, organisation), email) == 1


async def members(connection: Connection, organisation: str = "") -> list[Member]:
    """Everybody of an organisation, or of all. Raises NotFound."""
    if organisation:
        await organisation_named(connection, organisation)
    return await MEMBERS.all(connection, organisation)


async def organisation_named(connection: Connection, slug: str) -> UUID:
    """The organisation's id. Raises NotFound, which tells the slugs that there are."""
    found = await OF_SLUG.first(connection, slug)
    if found is None:
        known = ", ".join(await SLUGS.all(connection))
        raise NotFound(
            f"There is no organisation {slug}. " + (f"There is: {known}." if known else "Load nights first.")
        )
    return found


async def is_member(connection: Connection, person: Person) -> bool:
    """Whether the person runs nights at all."""
    return bool(await IS_MEMBER.first(connection, person.id))


async def nights_of_member(connection: Connection, person: Person) -> list[OrganiserNight]:
    """Every night of the person's organisations, by its doors; no drafts."""
    return await NIGHTS.all(connection, person.id)


async def access_event(
    connection: Connection, person: Person, slug: str, roles: tuple[str, ...] = ROLES
) -> OrganiserNight:
    """The night at this address, for a member of its organisation in one of `roles`: the only way to what is theirs.

    Raises NotFound, in the same words whether there is no such night or it is somebody else's.
    """
    night = await NIGHT.first(connection, person.id, slug, list(roles)) if "\0" not in slug else None
    if night is None:
        raise NotFound("There is no such night among yours.")
    return night
