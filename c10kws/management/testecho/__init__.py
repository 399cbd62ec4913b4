"""The clients of ``manage.py testecho``, which talk to the test page of a server.

In the parent process, ``phases`` runs the ``processes`` of a ``plan`` through their phases,
measures the ``memory`` of the server and makes a ``summary``. In each child process, the ``worker``
has a ``crowd`` of ``echo_client`` connections, which speak the ``talk`` and count in a ``tally``.
Children do not import Django.
"""
