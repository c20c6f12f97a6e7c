import hmac

import pytest
from cryptography.fernet import Fernet, InvalidToken
from hypothesis import given
from hypothesis import strategies as st

from carillon.lib.sealing import NoMasterSecret, Recogniser, SealBroken, Sealer, session_keys


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_what_is_sealed_opens_again(text: str) -> None:
    sealer = Sealer("master")

    assert sealer.open(sealer.seal(text)) == text


def test_the_token_does_not_show_the_secret() -> None:
    assert "hunter2" not in Sealer("master").seal("hunter2")


def test_another_master_secret_does_not_open() -> None:
    token = Sealer("master").seal("hunter2")

    with pytest.raises(SealBroken, match="CARILLON_SECRET_KEY"):
        Sealer("other").open(token)


@pytest.mark.parametrize("token", ["", "junk", "é", "gAAAAA" + "A" * 94])
def test_what_is_no_token_is_a_broken_seal(token: str) -> None:
    with pytest.raises(SealBroken):
        Sealer("master").open(token)


def test_after_a_rotation_old_tokens_open_and_new_ones_use_the_first_key() -> None:
    old = Sealer("old").seal("hunter2")
    rotating = Sealer("new, old")

    assert rotating.open(old) == "hunter2"
    assert Sealer("new").open(rotating.seal("fresh")) == "fresh"


def test_resealing_lets_the_old_key_go() -> None:
    old = Sealer("old").seal("hunter2")

    resealed = Sealer("new,old").reseal(old)

    assert Sealer("new").open(resealed) == "hunter2"


def test_resealing_with_a_foreign_key_is_a_broken_seal() -> None:
    with pytest.raises(SealBroken):
        Sealer("new").reseal(Sealer("old").seal("hunter2"))


def test_session_keys_follow_the_order_of_the_list() -> None:
    assert session_keys("new, old,") == session_keys("new") + session_keys("old")


def test_session_keys_are_stable_and_say_nothing_of_the_master() -> None:
    # The value itself: a change of the derivation would sign everybody out.
    assert session_keys("master") == ["mb4J8uXL-Hixzvf6M0sY9HyNSkqx_W6xBfXTeesXjgI="]
    assert "master" not in session_keys("master")[0]


def test_a_session_key_opens_no_sealed_secret() -> None:
    token = Sealer("master").seal("hunter2")

    with pytest.raises(InvalidToken):
        Fernet(session_keys("master")[0]).decrypt(token)


@pytest.mark.parametrize("master", ["", " , ,"])
def test_an_empty_master_secret_is_refused(master: str) -> None:
    with pytest.raises(NoMasterSecret, match="CARILLON_SECRET_KEY"):
        Sealer(master)


def test_only_tokens_of_the_first_key_are_current() -> None:
    old = Sealer("old").seal("hunter2")
    rotating = Sealer("new,old")

    assert not rotating.is_current(old)
    assert rotating.is_current(rotating.reseal(old))
    assert not rotating.is_current("junk")


@given(st.text(), st.text())
def test_a_text_is_recognised_by_its_hash_and_no_other_is(text: str, other: str) -> None:
    recogniser = Recogniser(Recogniser.new_key())

    assert recogniser.hash("number", text) == recogniser.hash("number", text)
    assert (recogniser.hash("number", text) == recogniser.hash("number", other)) is (text == other)


def test_without_the_same_key_a_hash_tells_nothing() -> None:
    one, two = Recogniser(Recogniser.new_key()), Recogniser(Recogniser.new_key())

    assert one.hash("number", "+12125550123") != two.hash("number", "+12125550123")


def test_a_number_and_a_record_of_the_same_text_differ() -> None:
    recogniser = Recogniser(Recogniser.new_key())

    assert recogniser.hash("number", "x") != recogniser.hash("record", "x")


def test_a_hash_stays_what_it_was() -> None:
    # The value itself: another derivation would forget everybody who was erased.
    assert Recogniser("key").hash("number", "+12125550123").hex() == (
        hmac.new(b"key", b"number\0+12125550123", "sha256").hexdigest()
    )
