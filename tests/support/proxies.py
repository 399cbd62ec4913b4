"""Real proxies in front of the server, each as one process in one folder."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tools.processes import running, wait_until_it_answers

#: Settings of nginx; the blocks within its ``http`` block are added.
NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {page}
}}
"""

#: Settings of Apache httpd for a site.
APACHE = """
ServerRoot {folder}
PidFile {folder}/httpd.pid
ErrorLog /dev/stderr
Mutex pthread
Listen 127.0.0.1:{port}
{modules}
<IfModule unixd_module>
    User #{user}
    Group #{group}
</IfModule>
{page}
"""
APACHE_MODULES = [
    "mpm_event",
    "unixd",
    "authz_core",
    "alias",
    "headers",
    "proxy",
    "proxy_http",
    "ssl",
    "socache_shmcb",
]
#: Where Apache's modules are, on different systems.
APACHE_FOLDERS = [
    Path(folder, "modules")
    for folder in ("/usr/lib/apache2", "/usr/lib64/httpd", "/etc/httpd", "/usr/lib/httpd")
] + [Path("/opt/homebrew/lib/httpd/modules"), Path("/usr/local/lib/httpd/modules")]
#: The number of the user and the group without rights, for servers that root starts.
UNPRIVILEGED = 65534


def find_program(name: str) -> str:
    """Return the path of a proxy; skip the test if this machine has none."""
    found = os.environ.get(f"C10KWS_{name.upper()}") or shutil.which(name)
    if not found:
        pytest.skip(f"no {name} on this machine: apt-get install {name}")
    return found


@contextmanager
def nginx(page: str, port: int, folder: Path) -> Iterator[None]:
    """Run nginx with these blocks, which listen on the port."""
    file, log = folder / "nginx.conf", folder / "nginx.txt"
    file.write_text(NGINX.format(folder=folder, page=page))
    command: list[str | Path] = [find_program("nginx"), "-p", folder, "-c", file]
    with running(command, log, folder=folder) as process:
        wait_until_it_answers(process, port, log)
        yield


@contextmanager
def haproxy(configuration: str, port: int, folder: Path) -> Iterator[None]:
    """Run HAProxy with this configuration, which listens on the port."""
    file, log = folder / "haproxy.cfg", folder / "haproxy.txt"
    file.write_text(configuration)
    command: list[str | Path] = [find_program("haproxy"), "-db", "-f", file]
    with running(command, log, folder=folder) as process:
        wait_until_it_answers(process, port, log)
        yield


@contextmanager
def apache(page: str, port: int, folder: Path) -> Iterator[None]:
    """Run Apache httpd with this site, which listens on the port."""
    file, log = folder / "httpd.conf", folder / "httpd.txt"
    root = os.name == "posix" and os.geteuid() == 0
    user, group = (UNPRIVILEGED, UNPRIVILEGED) if root else (os.getuid(), os.getgid())
    loading = "\n".join(load_modules())
    file.write_text(
        APACHE.format(folder=folder, port=port, page=page, modules=loading, user=user, group=group)
    )
    command: list[str | Path] = [find_program("apache2"), "-DFOREGROUND", "-f", file]
    with running(command, log, folder=folder) as process:
        wait_until_it_answers(process, port, log)
        yield


def load_modules() -> Iterator[str]:
    """Yield the lines that load Apache's modules; some builds have a few of them built in."""
    folder = next(folder for folder in APACHE_FOLDERS if folder.is_dir())
    for name in APACHE_MODULES:
        if (path := folder / f"mod_{name}.so").exists():
            yield f"LoadModule {name}_module {path}"
