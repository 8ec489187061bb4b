"""Forged and altered QR codes at a scanner without a network: it lets in none, by signature and list alone."""

from collections import Counter
from collections.abc import Iterator
from itertools import islice

import pytest
from playwright.async_api import Page

from boxoffice.edge.module_files import module_url
from boxoffice.edge.vendor_files import vendor_url
from tests.chromium import in_chromium
from tests.conftest import Amount
from tests.door.conftest import Door
from tests.door.test_forged_codes import forged
from tests.door.test_scan import payload_of
from tests.door.test_scanner_offline import OLD_BROWSER
from tests.shop import SLUG

pytestmark = in_chromium

LIBRARY = vendor_url("ed25519", "index.js")
# A scanner whose store is the page's memory; from the list of one sync a new one for each lot, so that none grows.
ALONE = """
async ([address, slug, device, token, library]) => {
  const { Scanner } = await import(address);
  const kept = { paired: { device, token } };
  const store = { get: async (key) => structuredClone(kept[key]), all: async (name) => name === "tickets" ? list : [] };
  store.write = async ({ kept: more, put }) => {
    Object.assign(kept, more);
    if (put?.tickets) list = put.tickets;
  };
  let list = [];
  const first = new Scanner(store, slug, library);
  await first.load();
  await first.sync();
  store.write = async () => {};
  window.answers = async (texts) => {
    const scanner = new Scanner(store, slug, library);
    await scanner.load();
    const answers = [];
    for (const text of texts) answers.push((await scanner.scan(text)).answer);
    return answers;
  };
}
"""


@pytest.mark.parametrize("script", ["", OLD_BROWSER], ids=["webcrypto", "noble"])
async def test_no_forged_code_is_let_in_by_a_scanner_without_a_network(
    page: Page, door: Door, amount: Amount, script: str
) -> None:
    genuine = [await payload_of(door, code) for code in await door.tickets(10)]
    forgeries = amount(1_000, soak=100_000)
    answers = await answered_alone(page, door, script, forged(forgeries, genuine))
    assert answers["admitted"] == 0
    assert answers["unknown"] + answers["wrong_event"] == answers.total() == forgeries
    assert (await answered_alone(page, door, script, iter(genuine)))["admitted"] == len(genuine)
    amount.show(f"{forgeries} forged or altered codes at a scanner without a network: {dict(answers)}")


async def test_a_scanner_that_checked_no_signature_would_let_them_in(page: Page, door: Door) -> None:
    """The negative control of the test above; each ticket comes in once."""
    genuine = [await payload_of(door, code) for code in await door.tickets(10)]
    script = "SubtleCrypto.prototype.verify = async () => true;"
    answers = await answered_alone(page, door, script, forged(200, genuine))
    assert answers["admitted"] > 10
    assert answers["already_used"] > 20


async def answered_alone(page: Page, door: Door, script: str, texts: Iterator[str]) -> Counter[str]:
    """What a scanner that has synced once answers without a network."""
    scanner = await door.scanner()
    await page.evaluate(f"() => {{ {script} }}")
    await page.evaluate(ALONE, [module_url("door", "scanner.js"), SLUG, scanner.id, scanner.token, LIBRARY])
    answers: Counter[str] = Counter()
    while some := list(islice(texts, 1_000)):
        answers.update(await page.evaluate("(texts) => answers(texts)", some))
    return answers
