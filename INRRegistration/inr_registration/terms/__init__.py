"""The terms of the objective: how alike two images are, and how regular a field is."""
