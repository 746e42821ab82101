"""Linux: what a kernel, its boot loader and its first processes say on a console."""
