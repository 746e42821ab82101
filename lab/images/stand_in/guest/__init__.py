"""What runs in the STAND-IN guest. Standard library only: it is copied into a RAM disk."""
