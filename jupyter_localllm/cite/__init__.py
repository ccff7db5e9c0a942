"""Marks, and whether what is said is carried by what is cited."""
