"""One question asked in several ways: pairs of images that must give the same map."""
