"""The settings of ``startproject`` for production, and the lines that c10kws and Channels need.

What differs between two servers comes in environment variables, so that the project is one:
``BENCHMARKS_DATABASE`` names the SQLite file, ``BENCHMARKS_CONN_MAX_AGE`` is CONN_MAX_AGE,
``BENCHMARKS_C10KWS`` is C10KWS and ``BENCHMARKS_LAYER`` the layer of Channels, both as JSON.
"""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

BASE_DIR = Path(__file__).resolve().parent
SECRET_KEY = "the benchmarks have no secrets"
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]

INSTALLED_APPS = [
    "c10kws",
    "benchmarks.project",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "benchmarks.project.urls"
WSGI_APPLICATION = "benchmarks.project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("BENCHMARKS_DATABASE", ":memory:"),
        "CONN_MAX_AGE": int(os.environ.get("BENCHMARKS_CONN_MAX_AGE", "0")),
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"

# Logging is disabled: a line costs more than an echo.
logging.disable(logging.CRITICAL)
C10KWS = json.loads(os.environ.get("BENCHMARKS_C10KWS", "{}"))
MEMORY_LAYER = {
    "BACKEND": "channels.layers.InMemoryChannelLayer",
    # The default of 100 drops messages of a group when a consumer is slow.
    "CONFIG": {"capacity": 10000},
}
CHANNEL_LAYERS = {
    "default": json.loads(os.environ.get("BENCHMARKS_LAYER", "null")) or MEMORY_LAYER,
}
