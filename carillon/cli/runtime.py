"""What a command needs before it touches data: the home, a running database, Django; in this order.

A command's own module holds only its options, so that help is instant; the part that imports models lives in
another module, which `call` imports once Django is set up.
"""

import importlib
import os
from typing import Any

import django

from carillon.lib import home, postgres


def ensure_database() -> None:
    """Start the embedded database unless CARILLON_DATABASE_URL names a server. Raises CarillonError."""
    if home.uses_embedded_database():
        home.make_data_dir()
        postgres.ensure_running(home.data_dir())


def prepare() -> None:
    """After this, models can be imported and used. Raises CarillonError."""
    ensure_database()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carillon.settings")
    django.setup()


def call(target: str, *arguments: Any, **options: Any) -> Any:
    """Prepare, import `target` ("module:function") and call it."""
    prepare()
    module, _, function = target.partition(":")
    return getattr(importlib.import_module(module), function)(*arguments, **options)
