"""The registration tools that people use instead, each behind the same function, and one judge for all of them."""
