"""The report of `isthmus verify`: running claims, and its chapters."""
