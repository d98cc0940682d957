"""What there is to draw of each claim: one module for a claim, named like its own."""
