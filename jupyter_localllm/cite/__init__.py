"""Marks, and whether what is said is carried by what is cited.

`Marks` lets a model write only marks that exist, `Citing` checks an answer while it is written and puts its marks
right, `check_claim` looks up one sentence, and `check_again` looks all citations up again when variables may have
changed.
"""
