"""``runtornado``, also for a project without ``c10kws``: a system check then names what to add."""

from .....management.commands.runtornado import Command as Command
