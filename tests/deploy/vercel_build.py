"""What Vercel makes of this repository: `vercel.json`'s own commands, in a folder of their own.

As its Python builder does it (npm `@vercel/python`): files without `.vercelignore`, a virtual environment without pip,
the install command, the build command; then those files, without `excludeFiles`, and the packages in `_vendor`.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path

from tests.conftest import ROOT

NEVER_UPLOADED = shutil.ignore_patterns("__pycache__", "vendor", "fonts", "*.egg-info")
OLDEST_OF_VERCEL = (3, 12)


def build(folder: Path, python: str, *more_requirements: Path) -> Path:
    """The function's folder, made under `folder` for `python`, a path. Raises CalledProcessError."""
    work, function = folder / "work", folder / "function"
    configuration = json.loads((ROOT / "vercel.json").read_text())
    _upload(work)
    environment = _environment(work, python)
    _run(f"{configuration['installCommand']} --quiet", work, environment)
    for file in more_requirements:
        _run(f"uv pip install -q --require-hashes -r {file}", work, environment)
    _run(configuration["buildCommand"], work, environment)
    packages = next((work / ".vercel").glob("venv/lib/python*/site-packages"))
    packages.rename(work / "_vendor")
    left_out = configuration["functions"]["boxoffice/asgi.py"]["excludeFiles"].removesuffix("/**").strip("{}")
    shutil.copytree(work, function, ignore=_at_the_top(work, left_out.split(","), (".vercel", "node_modules")))
    return function


@cache
def python_of_vercel() -> str | None:
    """A Python of this machine that Vercel has too; None where there is none."""
    if sys.version_info >= OLDEST_OF_VERCEL:
        return sys.executable
    installed = sorted((Path.home() / ".pyenv" / "versions").glob("3.1[2-9]*/bin/python"), reverse=True)
    candidates = [*(f"python3.{minor}" for minor in (14, 13, 12)), *map(str, installed)]
    return next((python for python in candidates if _runs(python)), None)


def _upload(work: Path) -> None:
    ignored: list[str] = []
    for line in (ROOT / ".vercelignore").read_text().split():
        assert line.startswith(("/", "!/")), f".vercelignore: {line} would also leave out folders inside the package"
        if line.startswith("!"):
            ignored = [pattern for pattern in ignored if pattern != line[2:]] + [f"!{line[2:]}"]
        else:
            ignored.append(line[1:])
    shutil.copytree(ROOT, work, ignore=_at_the_top(ROOT, ignored, ("node_modules",)))


def _at_the_top(top: Path, patterns: list[str], always: tuple[str, ...]) -> Callable[[str, list[str]], set[str]]:
    def ignore(folder: str, names: list[str]) -> set[str]:
        left_out = set(NEVER_UPLOADED(folder, names)) if top == ROOT else set[str]()
        if Path(folder) == top:
            left_out |= {name for name in names if name in always or _matches(name, patterns)}
        return left_out

    return ignore


def _matches(name: str, patterns: list[str]) -> bool:
    """The last pattern that fits decides, as git reads them."""
    fitting = [pattern for pattern in patterns if fnmatchcase(name, pattern.removeprefix("!"))]
    return bool(fitting) and not fitting[-1].startswith("!")


def _environment(work: Path, python: str) -> dict[str, str]:
    tools = Path(sys.executable).parent
    venv = work / ".vercel" / "venv"
    subprocess.run([tools / "uv", "venv", "-q", "--python", python, venv], check=True)
    path = os.pathsep.join((f"{venv}/bin", os.environ["PATH"], str(tools)))
    return os.environ | {"VIRTUAL_ENV": str(venv), "PATH": path, "UV_LINK_MODE": "copy"}


def _run(command: str, work: Path, environment: dict[str, str]) -> None:
    subprocess.run(["sh", "-c", command], cwd=work, env=environment, check=True)


def _runs(python: str) -> bool:
    try:
        return subprocess.run([python, "--version"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False
