"""Values: the question, the settings and the answer of a registration. Standard library and numpy only."""
