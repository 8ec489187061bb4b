"""Cookies that come in several headers, as browsers send them over HTTP/2, are all read."""

import pytest
from httpx import AsyncClient

from boxoffice.box import BoxOffice
from tests.web.cast import key_of, paid


@pytest.mark.parametrize("last", [False, True])
async def test_an_order_is_seen_by_its_cookie_wherever_it_stands(
    browser: AsyncClient, box: BoxOffice, *, last: bool
) -> None:
    view = await paid(box, quantity=1)
    ((name, value),) = key_of(box, view).items()
    cookies = [("Cookie", "other=1"), ("Cookie", "more=2; and=3")]
    cookies.insert(len(cookies) if last else 0, ("Cookie", f"{name}={value}"))
    answer = await browser.get(f"/orders/{view.order.code}", headers=cookies)
    assert answer.status_code == 200
