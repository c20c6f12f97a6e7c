from datetime import UTC, datetime, timedelta

import pytest

from carillon.contacts.models import ContactField
from carillon.web.setup_form import slug
from carillon.web.templatetags.page import changes, coming, duration, in_words, moment, telephone, value_of


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "under 1 s"),
        (1, "1 s"),
        (59.9, "59 s"),
        (60, "1 min 0 s"),
        (3599, "59 min 59 s"),
        (7265, "2 h 1 min"),
    ],
)
def test_durations_read_like_speech(seconds: float, words: str) -> None:
    assert duration(timedelta(seconds=seconds)) == words


def test_times_are_in_utc_until_the_script_rewrites_them() -> None:
    at = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)

    assert moment(at) == '<time datetime="2026-03-04T05:06:07+00:00" data-local>Mar 4, 2026, 05:06 UTC</time>'
    assert moment(None) == ""


def test_what_comes_within_a_minute_is_no_time_of_day() -> None:
    now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    later = now + timedelta(minutes=1)

    assert coming(now, now) == "at any moment"
    assert coming(now + timedelta(seconds=2), now) == "within a minute"
    assert coming(later, now) == moment(later)


@pytest.mark.parametrize(
    ("kind", "value", "shown"),
    [
        ("yes_no", True, "Yes"),
        ("yes_no", False, "No"),
        ("yes_no", None, ""),
        ("number", 2027.0, "2027"),
        ("number", 2.5, "2.5"),
        ("number", 0, "0"),
        ("date", "2026-03-04", "Mar 4, 2026"),
        ("date", "2026-13-44", "2026-13-44"),
        ("text", "<b>", "<b>"),
    ],
)
def test_values_are_shown_by_their_type(kind: str, value: object, shown: str) -> None:
    assert value_of(value, ContactField(name="x", label="X", type=kind)) == shown


@pytest.mark.parametrize(
    ("e164", "shown"),
    [("+12125550123", "+1 212-555-0123"), ("+447911123456", "+44 7911 123456"), ("junk", "junk")],
)
def test_numbers_are_written_as_in_their_country(e164: str, shown: str) -> None:
    assert telephone(e164) == shown


@pytest.mark.parametrize(
    ("code", "words"), [("mobile_invalid", "Mobile invalid"), ("API budget changed", "API budget changed")]
)
def test_codes_read_like_words(code: str, words: str) -> None:
    assert in_words(code) == words


def test_audit_details_say_what_was_and_what_is() -> None:
    detail = {"before": {"role": "admin", "user_id": ""}, "after": {"role": "texter", "user_id": ""}}

    assert changes(detail) == [("Role", "admin → texter")]
    assert changes({"before": None, "after": {"host": "x"}, "secret": "kept"}) == [
        ("Secret", "kept"),
        ("Host", "x"),
    ]
    fields = [{"salesforce": "A", "type": "text"}, {"salesforce": "B", "type": "date"}]
    assert changes({"before": None, "after": {"fields": fields, "windows": ["a", "b"]}}) == [
        ("Fields", "Salesforce: A, Type: text; Salesforce: B, Type: date"),
        ("Windows", "a, b"),
    ]


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("Program", "program"),
        ("Graduation Year (4-digit)", "graduation_year_4_digit"),
        ("2nd choice", "field_2nd_choice"),
        ("Études", "tudes"),
        ("日本", "field"),
        ("x" * 60, "x" * 40),
    ],
)
def test_a_label_makes_a_plain_field_name(label: str, name: str) -> None:
    assert slug(label) == name


def test_codes_read_as_words() -> None:
    assert in_words("invalid_mobile") == "Invalid mobile"
