"""Where everything is put together: ``register``, and the command line."""
