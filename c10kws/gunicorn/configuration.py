"""gunicorn's settings: those that this worker uses, and those that have no effect on it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gunicorn.config import Config

#: Settings without an effect on this worker, with what to use instead.
UNUSED: Mapping[str, str] = {
    "worker_connections": "the worker accepts as many clients as it has file descriptors",
    "forwarded_allow_ips": 'set C10KWS["TRUSTED_PROXIES"]',
    "secure_scheme_headers": "set Django's SECURE_PROXY_SSL_HEADER",
    "forwarder_headers": 'set C10KWS["TRUSTED_PROXIES"]',
    "header_map": "headers with an underscore in their name are always dropped",
    "limit_request_line": 'set C10KWS["MAX_HEAD_SIZE"]',
    "limit_request_fields": 'set C10KWS["MAX_HEAD_SIZE"]',
    "limit_request_field_size": 'set C10KWS["MAX_HEAD_SIZE"]',
    "permit_obsolete_folding": "such requests are refused",
    "permit_unconventional_http_method": "every method that is a token is accepted",
    "permit_unconventional_http_version": "such requests are refused",
    "strip_header_spaces": "such requests are refused",
    "casefold_http_method": "methods are not changed",
    "http_protocols": "the worker serves HTTP/1.1; let a proxy serve HTTP/2",
    "http2_cleartext": "the worker serves HTTP/1.1; let a proxy serve HTTP/2",
    "http_parser": "the worker has its own parser",
    "pre_request": "write a Django middleware",
    "post_request": "write a Django middleware",
}
#: Settings under which no request could be read.
UNSUPPORTED = ("proxy_protocol", "protocol")
#: gunicorn reads this default from the environment.
DEFAULTS: Mapping[str, Any] = {"forwarded_allow_ips": ["127.0.0.1", "::1"]}


def check(cfg: Any, log: Any) -> None:
    """Log a warning for each setting that was changed and has no effect.

    Raises RuntimeError, which ends gunicorn with its message, for a setting that cannot work.
    """
    for name in UNSUPPORTED:
        if (value := changed(cfg, name)) is not None:
            raise RuntimeError(f"c10kws.gunicorn.Worker does not support {name} = {value!r}.")
    for name, instead in UNUSED.items():
        if changed(cfg, name) is not None:
            log.warning("%s has no effect on c10kws.gunicorn.Worker: %s.", name, instead)


def changed(cfg: Any, name: str) -> Any:
    """Return the value of a setting; None if it is gunicorn's default.

    Other releases of gunicorn have other settings.
    """
    if name not in cfg.settings:
        return None
    value = cfg.settings[name].get()
    default = DEFAULTS[name] if name in DEFAULTS else Config().settings[name].get()
    return None if value == default else value
