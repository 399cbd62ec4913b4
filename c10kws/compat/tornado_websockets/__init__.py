"""django-tornado-websockets 0.1.0, by its names, over ``c10kws.events``. ``docs/compat.rst``."""

from ...marker import django_app as django_app
