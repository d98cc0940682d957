"""The site: its pages, and how Sphinx makes them; see conf.py."""
