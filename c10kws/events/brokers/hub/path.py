"""The path of a hub's socket."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from urllib.parse import quote

from django.core.exceptions import ImproperlyConfigured

from ....runtime_directory import directory_path
from .codec import FORMAT


def name_of(alias: str) -> str:
    """Return the name of the socket of an alias; each format of frames has its own hub."""
    return f"hub-{FORMAT}-{quote(alias, safe='')}"


def path_of(alias: str) -> Path:
    """Return the path of the socket of an alias."""
    return directory_path() / name_of(alias)


def seems_to_run(alias: str) -> bool:
    """Return True if the socket of a hub exists. A hub that ends removes its socket.

    Return True also if this process may not access the directory: the attempt to connect will fail
    and report the reason.
    """
    if not hasattr(socket, "AF_UNIX"):
        return False
    try:
        os.lstat(path_of(alias))
    except (FileNotFoundError, NotADirectoryError, ImproperlyConfigured):  # no SECRET_KEY
        return False
    except OSError:
        return True
    return True
