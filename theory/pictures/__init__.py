"""Pictures: one module for each thing that is drawn, on axes that are given, and their style.

What `plot` of an object draws is here. Nothing is saved; `numerics.pictures` makes figures of them.
"""
