"""Copies what browsers load from npm packages into `boxoffice/static/vendor/NAME-VERSION/`: nothing comes from a CDN.

The version is in the path, so that a browser may keep each file for good. Standard library only.
"""

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "boxoffice" / "static" / "vendor"
TAKEN = {
    "swagger-ui-dist": ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"),
}


def main() -> None:
    """Makes the folder anew, with the versions that package-lock.json names."""
    shutil.rmtree(VENDOR, ignore_errors=True)
    for name, files in TAKEN.items():
        package = PACKAGES / name
        version = json.loads((package / "package.json").read_text())["version"]
        print(f"browser library {name} {version}", flush=True)
        folder = VENDOR / f"{name}-{version}"
        folder.mkdir(parents=True)
        for file in files:
            shutil.copyfile(package / file, folder / file)
    (VENDOR / "built").touch()


if __name__ == "__main__":
    main()
