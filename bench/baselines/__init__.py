"""Bare scripts that do the same with nothing around it; they import nothing of ours."""
