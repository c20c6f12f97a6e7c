"""Keeps people out of the log: the address of a contact's page holds the id of a Salesforce record, and Django logs
addresses it refuses or does not find."""

import logging
import re

_CONTACT = re.compile(r"(/contacts/)[^/\s]+")


class WithoutContacts(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _CONTACT.sub(r"\1...", part) if isinstance(part, str) else part for part in record.args
            )
        return True
