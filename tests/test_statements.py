"""Every SQL statement in the code is prepared against the real schema, and its columns are its row's fields."""

import importlib
import pkgutil
import re
from collections.abc import Iterator

import msgspec

import boxoffice
from boxoffice.foundation.db import Command, Database, Query
from tests.conftest import ROOT


def statements() -> Iterator[tuple[str, Query[object] | Command]]:
    for module in pkgutil.walk_packages(boxoffice.__path__, "boxoffice."):
        if module.name in ("boxoffice.__main__", "boxoffice.asgi"):
            continue  # these two start things when they are imported
        for name, value in vars(importlib.import_module(module.name)).items():
            if isinstance(value, Query | Command):
                yield f"{module.name}.{name}", value


async def test_every_statement_fits_the_schema_and_its_row(db: Database) -> None:
    found = dict(statements())
    assert len(found) >= 16
    async with db.transaction() as connection:
        for name, statement in found.items():
            prepared = await connection.prepare(statement.sql)
            columns = [attribute.name for attribute in prepared.get_attributes()]
            if isinstance(statement, Command):
                assert columns == [], name
            elif isinstance(statement.row, type) and issubclass(statement.row, msgspec.Struct):
                fields = [field.name for field in msgspec.structs.fields(statement.row)]
                assert len(columns) == len(fields), name
                plain = [column == field for column, field in zip(columns, fields, strict=True)]
                assert all(plain) or "price_minor" in columns, f"{name}: {columns} are not {fields}"
            else:
                assert len(columns) == 1, name


def test_sql_has_no_time_nor_chance_of_its_own() -> None:
    for name, statement in statements():
        for word in ("now()", "current_timestamp", "random()", "gen_random_uuid", "uuidv7"):
            assert word not in statement.sql.lower(), f"{name} calls {word}; use clock() or a parameter"


ASKS_THE_MACHINE = re.compile(
    r"\b(time\.time|time_ns|datetime\.now|datetime\.utcnow|date\.today|fromtimestamp\(time)\b"
)
MAY_ASK = {"boxoffice/cli/local_https.py", "boxoffice/foundation/ids.py"}
"""How long a certificate of this machine is good, and the order of ids, which decides nothing."""


def test_only_the_doctor_asks_the_machine_what_time_it_is() -> None:
    """All else takes times from the database and counts waits by a clock that never jumps."""
    files = sorted((ROOT / "boxoffice").rglob("*.py"))
    asking = {str(file.relative_to(ROOT)) for file in files if ASKS_THE_MACHINE.search(file.read_text())}
    assert {file for file in asking if not file.startswith("boxoffice/doctor/")} == MAY_ASK
    assert len(asking) > len(MAY_ASK)
