"""A connection on asyncio: from a transport to the handler."""
