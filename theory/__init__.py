"""The exact theory of small two-layer ReLU networks: problems, landscapes, certificates, claims.

Public names load on first use, so that `import theory` costs nothing.
"""
