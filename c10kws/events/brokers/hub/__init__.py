"""The hub: a process that carries messages between the processes of one machine.

``hub.py``, ``peer.py`` and ``__main__.py`` run in the hub, which imports neither Django nor the
rest of the library. The other processes of the site use ``starter.py`` and ``hub_connection.py``.
``codec.py`` and ``framing.py`` are the protocol between them.
"""
