"""A plain Django project with SQLite; the lines that c10kws needs are marked."""

from __future__ import annotations

import os
from pathlib import Path

import c10kws

BASE_DIR = Path(__file__).resolve().parent.parent
SECRET_KEY = "the demo has no secrets"
DEBUG = True
ALLOWED_HOSTS: list[str] = []

INSTALLED_APPS = [
    "c10kws",  # above staticfiles, since both bring a runserver
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "chat",
    "gameoflife",
    "hello",
    "pages",
    "polls",
    "talk",
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
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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
        "NAME": os.environ.get("C10KWS_DEMO_DATABASE", BASE_DIR / "db.sqlite3"),
        # Several workers may write at the same time: a transaction waits for its turn.
        "OPTIONS": {"transaction_mode": "IMMEDIATE"},
    }
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "whoami"
LOGOUT_REDIRECT_URL = "whoami"

# Tornado's own handlers, asked before Django; see docs/how-to/tornado-handlers.rst.
TORNADO = {
    "handlers": [
        (r"/hello-tornado", "hello.handlers.Hello"),
        (r"/ws/hello-tornado", "hello.handlers.HelloWebSocket"),
        c10kws.django_app,
    ]
}
# Django configures the loggers django and django.server. These are the other loggers of the demo.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"tornado": {"()": "tornado.log.LogFormatter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "tornado"}},
    "loggers": {
        name: {"handlers": ["console"], "level": "INFO"}
        for name in ("c10kws", "c10kws_tornado", "hello", "tornado")
    },
}
