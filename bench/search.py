"""How fast the programme is searched with ten thousand nights: the 50th and 95th percentile of a whole request's SQL.

`make bench-search` loads invented nights into a cluster of its own and prints the plan of the commonest question.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable

from bench.cluster import own_cluster
from boxoffice.catalogue.load_nights import load_nights
from boxoffice.catalogue.nights_file import read_nights_file
from boxoffice.catalogue.search import (
    NEAR,
    WITH_WORDS_TO_COME,
    choices,
    find_nights,
    read_wanted,
)
from boxoffice.foundation.clock import now
from boxoffice.foundation.db import Connection, Database

NIGHTS, BATCH, ARTISTS, VENUES, ROUNDS = 10_000, 500, 3_000, 400, 40
SYLLABLES = (
    *("ka", "lo", "mi", "tra", "vel", "nor", "sub", "zer", "pho", "dri", "an", "el", "ish", "tor", "qua", "ne", "bel"),
    *("gar", "hau", "fen", "wick", "lum", "ost", "rei"),
)
CITIES = (
    *("Berlin Europe/Berlin DE", "Glasgow Europe/London GB", "Praha Europe/Prague CZ", "Lisboa Europe/Lisbon PT"),
    *("Łódź Europe/Warsaw PL", "Montréal America/Toronto CA", "Tokyo Asia/Tokyo JP", "القاهرة Africa/Cairo EG"),
)
GENRES = ("techno", "dub", "house", "ambient", "electro")
QUESTIONS = {
    "everything": {},
    "a word of many (techno)": {"q": "techno"},
    "a name": {"q": "Kesselhaus"},
    "a misspelt name": {"q": "keselhaus"},
    "two words, one misspelt": {"q": "keselhaus tecno"},
    "while typing": {"q": "kess"},
    "one letter": {"q": "k"},
    "nothing like it": {"q": "xqzwy"},
    "a hundred letters": {"q": ("kalomi travel " * 8)[:100]},
    "a city": {"city": "lodz"},
    "this weekend": {"date": "weekend"},
    "all filters": {"q": "an", "city": "berlin", "genre": "dub", "date": "2027-03"},
    "a late page": {"after": "night-9000"},
}


def name(dice: random.Random, words: int = 2) -> str:
    """An invented name."""
    return " ".join("".join(dice.choices(SYLLABLES, k=dice.randint(2, 3))).title() for _ in range(words))


def people_and_places(dice: random.Random) -> str:
    """The tables that every batch shares."""
    parts = ['[[organisation]]\nslug = "bench"\nname = "Bench"\n']
    parts += [f'[[genre]]\nslug = "{genre}"\nname = "{genre.title()}"\n' for genre in GENRES]
    parts += [f'[[artist]]\nslug = "artist-{number}"\nname = "{name(dice)}"\n' for number in range(ARTISTS)]
    for number in range(VENUES):
        city, zone, country = dice.choice(CITIES).split()
        called = "Kesselhaus Neun" if number == 7 else name(dice)
        parts.append(
            f'[[venue]]\nslug = "venue-{number}"\nname = "{called}"\naddress = "{number} Road"\ncity = "{city}"\n'
            f'country = "{country}"\ntime_zone = "{zone}"\n'
        )
    return "\n".join(parts)


def night(dice: random.Random, number: int) -> str:
    """A night with four artists and one ticket type of two releases."""
    acts = dice.sample(range(ARTISTS), 4)
    line_up = "\n".join(f'[[night.line_up]]\nartist = "artist-{act}"' for act in acts)
    release = "\n".join(
        f'[[night.ticket_type.release]]\nname = "{n}"\nprice = "1{n}.00"\nquantity = 50' for n in (1, 2)
    )
    return (
        f'[[night]]\nslug = "night-{number}"\ntitle = "{name(dice, dice.randint(1, 3))}"\norganisation = "bench"\n'
        f'venue = "venue-{dice.randrange(VENUES)}"\ngenres = ["{dice.choice(GENRES)}"]\ncurrency = "eur"\n'
        f'doors_at = "in {dice.randint(0, 360)} days 23:00"\nstarts_at = "23:00"\nends_at = "next day 06:00"\n'
        f'{line_up}\n[[night.ticket_type]]\nname = "Entry"\n{release}\n'
    )


async def fill(database: Database) -> None:
    """Loads the nights, a batch a transaction."""
    dice = random.Random(11)
    shared = people_and_places(dice)
    start = time.perf_counter()
    for first in range(0, NIGHTS, BATCH):
        nights = "\n".join(night(dice, number) for number in range(first, first + BATCH))
        async with database.transaction() as connection:
            text = f"{shared}\n{nights}"
            await load_nights(connection, read_nights_file(text, await now(connection)))
    print(f"{NIGHTS} nights loaded in {time.perf_counter() - start:.1f} s", flush=True)


async def measure(database: Database, ask: Callable[[Connection], Awaitable[object]]) -> tuple[float, float]:
    """The 50th and 95th percentile of a transaction, in milliseconds."""
    waits: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        async with database.transaction() as connection:
            await ask(connection)
        waits.append((time.perf_counter() - start) * 1000)
    waits.sort()
    return waits[len(waits) // 2], waits[int(len(waits) * 0.95)]


async def explain(database: Database) -> None:
    """The plans of a search by word and of forgiving a spelling."""
    wanted, _ = read_wanted({})
    searched = ("", "", "", "", "", wanted.first_day, wanted.last_day, "", 49, "'kesselhaus':*")
    async with database.transaction() as connection:
        await connection.execute("SELECT set_config('pg_trgm.word_similarity_threshold', '0.3', true)")
        for query, parameters in ((WITH_WORDS_TO_COME, searched), (NEAR, (["keselhaus"],))):
            plan = await connection.fetch(
                f"EXPLAIN (ANALYZE, COSTS OFF, BUFFERS OFF, TIMING OFF) {query.sql}", *parameters
            )
            print(*("    " + row[0] for row in plan), "", sep="\n")


async def run(url: str) -> None:
    """Loads, measures, prints."""
    database = Database(url, size=2)
    await fill(database)
    async with database.transaction() as connection:
        await connection.execute("ANALYZE")
    for title, question in QUESTIONS.items():
        wanted, _ = read_wanted(question)
        p50, p95 = await measure(database, lambda connection, wanted=wanted: find_nights(connection, wanted))
        print(f"{title:26} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms", flush=True)
    p50, p95 = await measure(database, choices)
    print(f"{'the choices, once a minute':26} p50 {p50:6.1f} ms  p95 {p95:6.1f} ms", flush=True)
    await explain(database)
    await database.close()


def main() -> None:
    """Runs on a cluster of its own under .local/bench-search."""
    with own_cluster("bench-search", "search") as postgres:
        asyncio.run(run(postgres.url("search")))


if __name__ == "__main__":
    main()
