"""What comes before the fit: cleaned images, the pyramid and the linear pre-alignment."""
