"""A process that has loaded what commands need and forks one for each line it reads, until its stdin ends: loading takes
most of the time of a short command. It holds no connection and no thread, and each command ends as a process of its own.

A line is JSON: the arguments, the folder, and the files for stdout and stderr. The exit code is written back as a line.
"""

import gc
import importlib
import json
import os
import pkgutil
import sys
import threading
import traceback
from typing import TextIO

import django

import carillon.cli
from carillon.cli import main


def load() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "carillon.settings")
    django.setup()
    for module in pkgutil.iter_modules(carillon.cli.__path__, "carillon.cli."):
        importlib.import_module(module.name)
    assert threading.active_count() == 1
    gc.freeze()


def serve(orders: TextIO, answers: TextIO) -> None:
    for line in orders:
        child = os.fork()
        if child == 0:
            become(json.loads(line))
        status = os.waitpid(child, 0)[1]
        answers.write(f"{os.waitstatus_to_exitcode(status)}\n")
        answers.flush()


def become(order: dict[str, str]) -> None:
    """Be the command, to the end."""
    code = 70
    try:
        os.chdir(order["folder"])
        for place, name, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, order["out"], os.O_WRONLY),
            (2, order["err"], os.O_WRONLY),
        ):
            os.dup2(os.open(name, flags), place)
        sys.argv[1:] = json.loads(order["arguments"])
        code = main.run(sys.argv[1:])
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    load()
    # Copies that no command writes to.
    serve(os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w"))
