"""How far a map may be off, in mm, for methods that fit one map: estimators, and how well each of them was found to do."""
