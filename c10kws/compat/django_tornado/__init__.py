"""django-tornado, by its names, over ``c10kws.longpoll``. ``docs/compat.rst``."""
