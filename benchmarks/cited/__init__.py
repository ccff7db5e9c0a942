"""Answers from tables and texts: are they right, and do their citations carry them?"""
