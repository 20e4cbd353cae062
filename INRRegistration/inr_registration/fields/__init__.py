"""What holds the displacement, with its derivatives in closed form."""
