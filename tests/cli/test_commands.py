"""The commands, run as people run them."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT, SECRET_KEY
from tests.nights import NIGHT


def boxoffice(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "boxoffice", *arguments]
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"SECRET_KEY": SECRET_KEY} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_nights_load(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "nights.toml"
    file.write_text(NIGHT)
    done = boxoffice("nights", "load", str(file), DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")
    assert "1 night loaded" in done.stdout


def test_a_wrong_file_changes_nothing_and_says_where(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "nights.toml"
    file.write_text(NIGHT.replace('price = "12.00"', 'price = "free"'))
    done = boxoffice("nights", "load", str(file), DATABASE_URL=database_url)
    assert done.returncode == 1
    assert "night[0].ticket_type[0].release[0].price" in done.stderr


def test_migrate_has_nothing_to_do(database_url: str) -> None:
    done = boxoffice("migrate", DATABASE_URL=database_url)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("command", [("migrate",), ("serve",), ("nights", "load", "x.toml")])
def test_without_a_database_it_says_what_to_do(command: tuple[str, ...]) -> None:
    done = boxoffice(*command)
    assert done.returncode == 1
    assert done.stderr.startswith("DATABASE_URL is not set")
