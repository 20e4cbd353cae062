"""Images with a known map between them."""
