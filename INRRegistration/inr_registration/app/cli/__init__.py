"""Command line ``inr-register``: files in, files out. The only layer that prints."""
