"""What becomes of passes when a ticket is sent on."""

import re

from httpx import AsyncClient

from boxoffice.edge.render import path_part
from tests.apps import transport
from tests.wallet.conftest import BASE, House
from tests.wallet.reading import unpacked
from tests.wallet.test_apple_updates import TOKEN, phone_with_pass
from tests.wallet.test_google import saved
from tests.web.cast import paid
from tests.web.conftest import BROWSER
from tests.web.test_transfer import ADA, accept, mails_to, send


async def test_the_old_passes_are_void_and_the_new_holder_adds_one_of_their_own(house: House) -> None:
    view = await paid(house.box, quantity=2, names=("Mara", "Otto"))
    phone = await phone_with_pass(house, view)
    _, kept = await saved(house, view)
    async with AsyncClient(transport=transport(house.box), base_url=BASE, headers=BROWSER) as ada:
        assert (await send(house.browser, path_part(view.tickets[0].code))).status_code == 303
        link = re.findall(rf"{BASE}(/tickets/offers/\S+)", " ".join(await mails_to(house.box, ADA)))[-1]
        assert (await accept(ada, link)).status_code == 303
        code = str(await house.value("SELECT code FROM ticket WHERE holder_email = $1", ADA))
        await house.work()
        assert house.push.tokens == [TOKEN]
        read = await phone.latest()
        assert (read.told["voided"], "Ada" in str(read.told), code in str(read.told)) == (True, False, False)
        assert (kept["state"], "Ada" in str(kept)) == ("INACTIVE", False)
        own = unpacked((await ada.get(f"/tickets/{path_part(code)}/ticket.pkpass")).content)
        assert own.values("auxiliaryFields")["holder"] == "Ada Example"
        assert own.told["voided"] is False
    assert (await house.browser.get(f"/tickets/{path_part(code)}/ticket.pkpass")).status_code == 404
    order = (await house.browser.get(f"/orders/{path_part(view.order.code)}/tickets.pkpasses")).content
    assert unpacked(order).values("auxiliaryFields")["holder"] == "Otto"
