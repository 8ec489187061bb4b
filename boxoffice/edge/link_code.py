"""A link as a QR code, for a phone that has only a camera."""

from markupsafe import Markup

QUIET_ZONE = 4


def drawn_link(address: str) -> Markup:
    """SVG, dark on white whatever the page's colours are. `address` is one of our own making."""
    import segno  # noqa: PLC0415 - slow to load, and few pages need it

    drawn = segno.make(address, error="m", micro=False)
    svg = drawn.svg_inline(border=QUIET_ZONE, dark="#000", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return Markup(svg.replace("<svg ", '<svg role="img" aria-label="QR code of the link" ', 1))  # noqa: S704 - drawn by the line above
