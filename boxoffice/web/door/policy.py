"""What the door's pages may do beyond others, the camera and WebAssembly, and the libraries they bring for it."""

from boxoffice.edge.security_headers import content_policy
from boxoffice.settings import Settings

PERMISSIONS = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"

VENDOR = {
    "ed25519": ("ed25519", "index.js"),
    "reader": ("zxing-wasm", "index.js"),
    "wasm": ("zxing-wasm", "zxing_reader.wasm"),
}
"""What browsers that lack it load from us, as package and file: signatures, and reading QR codes."""


def door_headers(settings: Settings) -> dict[str, str]:
    """Headers of a page at the door."""
    return {
        "Content-Security-Policy": content_policy(settings, scripts="'self' 'wasm-unsafe-eval'"),
        "Permissions-Policy": PERMISSIONS,
    }
