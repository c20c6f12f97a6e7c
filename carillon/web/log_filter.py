"""Keeps people and secrets out of the log: the address of a contact's page or phone holds the id of a Salesforce record,
that of a webhook the token of its workspace, a password link its token, and Django logs addresses it refuses or does
not find. PostgreSQL quotes in an error the row that it is about."""

import logging
import re
import traceback

_CONTACT = re.compile(r"(/contacts/|/phone/|/carriers/twilio/[a-z-]+/|/password/[^/\s]+/)[^/\s]+")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
# Up to the next error of the chain, since what is quoted may have lines of its own.
_ROW = re.compile(r"^DETAIL: .*?(?=\n\n(?:The above|During handling)|\Z)", re.DOTALL | re.MULTILINE)


class WithoutContacts(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(_plain(part) if isinstance(part, str) else part for part in record.args)
        if record.exc_info and not record.exc_text:
            text = "".join(traceback.format_exception(*record.exc_info))
            record.exc_text = _plain(_ROW.sub("DETAIL: ...", text)).rstrip()
        return True


def _plain(text: str) -> str:
    return _NUMBER.sub("+...", _CONTACT.sub(r"\1...", text))
