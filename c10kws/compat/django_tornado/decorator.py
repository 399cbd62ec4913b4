"""``@asynchronous``: a view that answers later, by the handler beside its request."""

from ...longpoll import asynchronous as asynchronous
