"""PDF tickets and pictures read back by others: PDFium for text and pixels, ZXing for codes."""

from typing import Any, cast

import cv2
import numpy as np
import pypdfium2
import zxingcpp
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


def pages(pdf: bytes) -> list[str]:
    """The text of each page, in the order it is written."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [page.get_textpage().get_text_bounded() for page in document]


def pictures(pdf: bytes, dots_per_inch: float = 150) -> list[Pixels]:
    """Each page as a printer draws it."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [np.array(page.render(scale=cast("Any", dots_per_inch / 72)).to_numpy()[:, :, :3]) for page in document]


def codes(picture: Pixels) -> list[str]:
    """The texts of all QR codes in it."""
    return [found.text for found in zxingcpp.read_barcodes(cast("Any", picture))]


def pixels(png: bytes) -> Pixels:
    """A PNG's pixels: height, width, colours."""
    read = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert read is not None
    return cast("Pixels", read)
