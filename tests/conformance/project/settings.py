"""The Django project that the Autobahn|Testsuite talks to: one echo view and no middleware."""

from __future__ import annotations

import os

SECRET_KEY = "for tests only"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.conformance.project.urls"
INSTALLED_APPS = ["c10kws"]
C10KWS = {
    # Cases of group 9 echo messages of 16 MiB.
    "MAX_MESSAGE_SIZE": 32 * 1024 * 1024,
    "MAX_QUEUE_BYTES": 64 * 1024 * 1024,
    "FAST_LANE": os.environ.get("C10KWS_CONFORMANCE_LANE") != "off",
}
# Without DEBUG Django would only mail what goes wrong.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django.request": {"handlers": ["console"], "level": "ERROR"}},
}
