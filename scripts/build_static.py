"""Copies what browsers load from npm packages into `boxoffice/static/vendor/NAME-VERSION/`: nothing comes from a CDN.
And the fonts of what is printed (PDF tickets) and drawn (pictures of nights) into `boxoffice/fonts/`.

The version is in a browser's path, so that it may keep each file for good. The display face is written with its one
weight only, by Node. Standard library only.
"""

import json
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ROOT / "node_modules"
VENDOR = ROOT / "boxoffice" / "static" / "vendor"
DISPLAY, TEXT, WEIGHT = "@fontsource-variable/anybody", "@fontsource-variable/host-grotesk", "800"
SUBSETS = ("latin", "latin-ext")
TAKEN = {
    DISPLAY: ("LICENSE",),
    TEXT: (*(f"files/host-grotesk-{subset}-wght-normal.woff2" for subset in SUBSETS), "LICENSE"),
    "@noble/ed25519": ("index.js", "LICENSE"),
    "zxing-wasm": ("dist/iife/reader/index.js", "dist/reader/zxing_reader.wasm", "LICENSE"),
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
        if name == DISPLAY:
            _pin(package, folder)
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


def _pin(package: Path, folder: Path) -> None:
    ranges = json.loads((package / "unicode.json").read_text())
    for subset in SUBSETS:
        file = f"anybody-{subset}-wdth-normal.woff2"
        program = str(ROOT / "scripts" / "pin_font.mjs")
        command = ["node", program, str(package / "files" / file), ranges[subset], WEIGHT, str(folder / file)]
        subprocess.run(command, check=True, cwd=ROOT)


if __name__ == "__main__":
    main()
