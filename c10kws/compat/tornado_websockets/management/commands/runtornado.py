"""``runtornado``, also for a project that has not installed ``c10kws``: its check then says so."""

from .....management.commands.runtornado import Command as Command
