"""Which addresses the self-test may call: never one inside a network, however it is written."""

import pytest

from carillon.messaging.self_test import is_outside


@pytest.mark.parametrize(
    "number",
    [
        "127.0.0.1",
        "10.1.2.3",
        "169.254.169.254",
        "::1",
        "fd00::1",
        "::ffff:10.1.2.3",
        "64:ff9b::a01:203",
        "2002:a01:203::1",
    ],
)
def test_inside(number: str) -> None:
    assert not is_outside(number)


@pytest.mark.parametrize(
    "number", ["8.8.8.8", "2a00:1450:4001:80b::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_outside(number: str) -> None:
    assert is_outside(number)
