"""The native engine: the stack of ``docker-compose.yml`` as ordinary processes, from the same config files."""
