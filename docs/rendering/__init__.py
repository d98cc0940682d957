"""What the site needs of Sphinx beyond its own: formulas, the reference, the drawn graph."""
