"""Steps, stages and what to do when they fail: knows an objective, not images."""
