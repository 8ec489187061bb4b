"""What the door's pages may do beyond others: the camera, and the WebAssembly that reads QR codes."""

from boxoffice.edge.security_headers import content_policy
from boxoffice.settings import Settings

PERMISSIONS = "camera=(self), geolocation=(), microphone=(), payment=(), usb=()"


def door_headers(settings: Settings) -> dict[str, str]:
    """Headers of a page at the door."""
    return {
        "Content-Security-Policy": content_policy(settings, scripts="'self' 'wasm-unsafe-eval'"),
        "Permissions-Policy": PERMISSIONS,
    }
