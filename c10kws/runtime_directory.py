"""The directory of the sockets: one for each project and user of the system."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from pathlib import Path

from django.conf import settings

from . import conf


class UnsafeDirectory(Exception):
    """Raised when other users may write into the directory, so it must not be used."""


def directory_path() -> Path:
    """Return the path of the directory.

    The name has a hash of SECRET_KEY, so that projects do not share it. It is in RUNTIME_DIR, or in
    the system's folder for temporary files.
    """
    site = hashlib.sha256(f"c10kws {settings.SECRET_KEY}".encode()).hexdigest()[:12]
    folder = conf.current().runtime_dir or tempfile.gettempdir()
    return Path(folder, f"c10kws-{os.getuid()}-{site}")


def make_directory() -> Path:
    """Return the directory, which is created if needed. Raises :exc:`UnsafeDirectory`, OSError."""
    path = directory_path()
    path.mkdir(mode=0o700, exist_ok=True)
    check_directory(path)
    return path


def check_directory(path: Path) -> None:
    """Raise :exc:`UnsafeDirectory` unless only this user can use the directory."""
    found = path.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise UnsafeDirectory(
            f"{path} must be a directory of this user with the mode 700. Remove it, or set "
            "C10KWS['RUNTIME_DIR'] to a folder into which no other user can write."
        )
