"""Copies what browsers load from npm packages into `boxoffice/static/vendor/NAME-VERSION/`: nothing comes from a CDN.
And the fonts of what is printed (PDF tickets) and drawn (pictures of nights) into `boxoffice/fonts/`.

The version is in a browser's path, so that it may keep each file for good. Standard library only.
"""

import json
import shutil
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "boxoffice" / "static" / "vendor"
TAKEN = {
    "@fontsource-variable/anybody": (
        "files/anybody-latin-wdth-normal.woff2",
        "files/anybody-latin-ext-wdth-normal.woff2",
        "LICENSE",
    ),
    "@fontsource-variable/host-grotesk": (
        "files/host-grotesk-latin-wght-normal.woff2",
        "files/host-grotesk-latin-ext-wght-normal.woff2",
        "LICENSE",
    ),
    "swagger-ui-dist": ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"),
}
FONTS = ROOT / "boxoffice" / "fonts"
FONT_PACKAGES = PACKAGES / "@expo-google-fonts"
WEIGHTS = {
    "archivo": ("500Medium", "800ExtraBold"),
    "ibm-plex-mono": ("500Medium",),
    "noto-sans": ("700Bold",),
    "noto-sans-arabic": ("700Bold",),
    "noto-sans-armenian": ("700Bold",),
    "noto-sans-bengali": ("700Bold",),
    "noto-sans-devanagari": ("700Bold",),
    "noto-sans-georgian": ("700Bold",),
    "noto-sans-hebrew": ("700Bold",),
    "noto-sans-tamil": ("700Bold",),
    "noto-sans-thai": ("700Bold",),
    "biz-udpgothic": ("700Bold",),
    "nanum-gothic": ("700Bold",),
    "noto-sans-sc": ("700Bold",),
    "noto-emoji": ("700Bold",),
}


def main() -> None:
    """Makes both folders anew, with the versions that package-lock.json names."""
    copy_fonts()
    shutil.rmtree(VENDOR, ignore_errors=True)
    for name, files in TAKEN.items():
        package = PACKAGES / name
        version = json.loads((package / "package.json").read_text())["version"]
        print(f"for browsers: {name} {version}", flush=True)
        folder = VENDOR / f"{Path(name).name}-{version}"
        folder.mkdir(parents=True)
        for file in files:
            shutil.copyfile(package / file, folder / Path(file).name)
    (VENDOR / "built").touch()


def copy_fonts() -> None:
    """One file a weight, and the licence of each family."""
    shutil.rmtree(FONTS, ignore_errors=True)
    FONTS.mkdir()
    for name, weights in WEIGHTS.items():
        print(f"font {name}", flush=True)
        for weight in weights:
            (file,) = (FONT_PACKAGES / name / weight).glob("*.ttf")
            shutil.copyfile(file, FONTS / file.name)
        shutil.copyfile(FONT_PACKAGES / name / "LICENSE_FONT", FONTS / f"{name}.txt")


if __name__ == "__main__":
    main()
