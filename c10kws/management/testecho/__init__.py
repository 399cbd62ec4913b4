"""The crowd behind ``manage.py testecho``: many clients of the test page's conversation.

``run`` is the parent's part: it lets ``processes`` of a ``plan`` go through their phases together,
looks at the server's ``memory`` and makes a ``summary``. ``worker`` is a child's part: its
``crowd`` of ``client`` connections speaks the ``talk`` and keeps a ``tally``. Children import no
Django.
"""
