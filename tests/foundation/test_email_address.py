import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from boxoffice.foundation.db import Database
from boxoffice.foundation.email_address import read_email


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Anna.Berg+night@Example.ORG \n", "anna.berg+night@example.org"),
        ("o'neil@example.org", "o'neil@example.org"),
        ("kasse@müller-straße.de", "kasse@müller-straße.de"),
        ("JOSE\u0301@example.org", "jos\u00e9@example.org"),
        ("用户@例え.テスト", "用户@例え.テスト"),
        ("a@b.c", "a@b.c"),
        ("x" * 242 + "@example.org", "x" * 242 + "@example.org"),
    ],
)
def test_one_form_for_what_people_type(typed: str, kept: str) -> None:
    assert read_email(typed) == kept


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("", "Enter an e-mail address."),
        (" \t", "Enter an e-mail address."),
        ("anna", "looks like"),
        ("anna@localhost", "looks like"),
        ("anna@@example.org", "looks like"),
        ("anna@berg@example.org", "looks like"),
        ("@example.org", "looks like"),
        ("anna@.org", "looks like"),
        ("anna@example.", "looks like"),
        ("anna@example..org", "looks like"),
        ("anna@-example.org", "looks like"),
        ("anna@exam_ple.org", "looks like"),
        ("Anna <anna@example.org>", "no spaces"),
        ("<anna@example.org>", "looks like"),
        ("anna@example.org,bela@example.org", "looks like"),
        ("anna@example.org\nbcc:bela@example.org", "no spaces"),
        ("anna\0@example.org", "no spaces"),
        ("anna\u202e@example.org", "no spaces"),
        ("anna\u200b@example.org", "no spaces"),
        ("anna\ud800@example.org", "no spaces"),
        ("anna@exa mple.org", "no spaces"),
        ("x" * 243 + "@example.org", "at most 254"),
    ],
)
def test_what_is_no_address_is_refused_in_a_sentence(typed: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_email(typed)


ADDRESS_LIKE = st.lists(
    st.one_of(st.text(max_size=8), st.sampled_from(["a", "@", ".", "example.org", "@example.org", "İ", "Σ", "\r\n"]))
).map("".join)


@given(ADDRESS_LIKE)
def test_whatever_is_typed_reading_twice_changes_nothing(typed: str) -> None:
    try:
        email = read_email(typed)
    except ValueError:
        return
    assert read_email(email) == email
    assert email.count("@") == 1
    assert "." in email.partition("@")[2]
    assert not re.search(r"[\s\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]", email)
    assert unicodedata.is_normalized("NFC", email)
    email.encode()


async def test_the_database_takes_what_was_read(db: Database) -> None:
    async with db.transaction() as connection:
        for number, email in enumerate(["i\u0307@example.org", "straße@straße.de", "ς@ẞ.gr", "用户@例え.テスト"]):
            insert = f"INSERT INTO person VALUES ('{number:08d}-0000-7000-8000-000000000000', $1, clock())"
            await connection.execute(insert, read_email(email))
