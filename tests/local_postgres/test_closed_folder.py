"""Root's own folders are often closed to others, and PostgreSQL does not run as root."""

import shutil
from pathlib import Path

import pytest

from local_postgres import LocalPostgres, binaries


@pytest.mark.skipif(binaries.user_to_run_as() is None, reason="only root hands PostgreSQL to another user")
def test_a_wheel_that_the_other_user_cannot_reach_is_copied_whole(
    monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    closed = binaries.wheel_installation()
    reachable = binaries.is_open_to_others
    monkeypatch.setattr(binaries, "is_open_to_others", lambda path: path != closed and reachable(path))
    spare = Path("/var/lib/boxoffice/test-closed-folder")
    cluster = LocalPostgres(spare, {"fsync": "off"})
    request.addfinalizer(lambda: shutil.rmtree(spare, ignore_errors=True))
    cluster.start()
    request.addfinalizer(lambda: cluster.stop(immediate=True))
    assert cluster.program("postgres").startswith(str(spare))
    assert cluster.psql("SELECT 1").strip() == "1"
