"""Axes, cell ids, selection, rings and the plan: pure but for reading scenario files."""
