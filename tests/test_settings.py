import pytest

from boxoffice.settings import Settings, SettingsProblem

URL = "postgresql://user:secret@db.example/boxoffice"


@pytest.mark.parametrize(
    ("environment", "named"),
    [
        ({}, "DATABASE_URL is not set"),
        ({"DATABASE_URL": "mysql://db.example/boxoffice"}, "DATABASE_URL is not a PostgreSQL URL"),
        ({"DATABASE_URL": "postgresql://db.example"}, "DATABASE_URL is not a PostgreSQL URL"),
        ({"DATABASE_URL": URL, "DATABASE_URL_DIRECT": "x"}, "DATABASE_URL_DIRECT"),
        ({"DATABASE_URL": URL, "DATABASE_POOLER": "session"}, "DATABASE_POOLER"),
        ({"DATABASE_URL": URL, "BASE_URL": "tickets.example"}, "BASE_URL"),
        ({"DATABASE_URL": URL, "BASE_URL": "https://tickets.example/shop"}, "BASE_URL"),
    ],
)
def test_what_is_wrong_is_named_without_secrets(environment: dict[str, str], named: str) -> None:
    with pytest.raises(SettingsProblem) as problem:
        Settings.from_environment(environment)
    assert named in str(problem.value)
    assert "secret" not in str(problem.value)


def test_a_complete_environment() -> None:
    settings = Settings.from_environment({"DATABASE_URL": URL, "BASE_URL": "https://tickets.example/"})
    assert settings.database_url_direct == URL
    assert settings.base_url == "https://tickets.example"
