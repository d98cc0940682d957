"""Pictures: one module for each thing that is drawn, and their style."""
