"""The names of django-tornado, over ``c10kws.longpoll``. See ``docs/how-to/django-tornado.rst``."""
