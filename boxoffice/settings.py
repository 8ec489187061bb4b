"""The environment, read once: the only reader of os.environ."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit


class SettingsProblem(ValueError):
    """An environment variable is missing or malformed; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the box office is told by its surroundings."""

    database_url: str
    database_url_direct: str
    database_pooled: bool
    base_url: str

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> "Settings":
        """Reads and checks every variable; raises SettingsProblem."""
        values = os.environ if environment is None else environment
        database_url = values.get("DATABASE_URL", "")
        if not database_url:
            raise SettingsProblem(
                "DATABASE_URL is not set. Set it to a PostgreSQL URL (Neon: Dashboard, Connect), "
                "or use `make run`, which brings its own database."
            )
        return cls(
            database_url=_postgres_url("DATABASE_URL", database_url),
            database_url_direct=_postgres_url("DATABASE_URL_DIRECT", values.get("DATABASE_URL_DIRECT") or database_url),
            database_pooled=_one_of(values, "DATABASE_POOLER", ("", "transaction")) == "transaction",
            base_url=_base_url(values.get("BASE_URL") or "http://localhost:3000"),
        )


def _postgres_url(name: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("postgres", "postgresql") or not parts.hostname or len(parts.path) < 2:  # noqa: PLR2004
        raise SettingsProblem(
            f"{name} is not a PostgreSQL URL. It looks like postgresql://user:password@host/database."
        )
    return text


def _base_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise SettingsProblem("BASE_URL must be scheme and host alone, like https://tickets.example.org.")
    return text.rstrip("/")


def _one_of(values: Mapping[str, str], name: str, allowed: tuple[str, ...]) -> str:
    value = values.get(name, "")
    if value not in allowed:
        raise SettingsProblem(f"{name} must be unset or one of: {', '.join(filter(None, allowed))}.")
    return value
