from uuid import RFC_4122

from hypothesis import given
from hypothesis import strategies as st

from boxoffice.foundation.ids import ALPHABET, new_id, random_code, read_code, with_check

codes = st.text(ALPHABET, min_size=1, max_size=16)


def test_ids_are_uuid_version_7_and_rise_with_time() -> None:
    ids = [new_id() for _ in range(1000)]
    assert {(id_.version, id_.variant) for id_ in ids} == {(7, RFC_4122)}
    assert len(set(ids)) == len(ids)
    assert sorted(ids, key=lambda id_: id_.int >> 80) == ids


@given(codes)
def test_a_code_is_read_as_people_type_it(code: str) -> None:
    whole = with_check(code)
    typed = " ".join(whole.lower().replace("0", "o").replace("1", "l"))
    assert read_code(typed) == whole
    assert read_code("-".join(whole)) == whole


@given(codes, st.data())
def test_one_wrong_character_is_noticed(code: str, data: st.DataObject) -> None:
    whole = with_check(code)
    place = data.draw(st.integers(0, len(code) - 1))
    other = data.draw(st.sampled_from(ALPHABET).filter(lambda character: character != whole[place]))
    assert read_code(whole[:place] + other + whole[place + 1 :]) is None


def test_what_is_no_code_is_refused() -> None:
    for text in ("", " ", "A", "A!", "Ü7", "\x00\x00", "²3"):
        assert read_code(text) is None


def test_random_codes_have_their_length() -> None:
    assert {len(random_code(8)) for _ in range(50)} == {8}
