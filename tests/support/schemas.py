"""The schema of certificates, for tests of what has its shape."""

from __future__ import annotations

import json
from importlib import resources
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import best_match

SCHEMA: dict[str, Any] = json.loads(
    (resources.files("theory") / "certificates" / "schema.json").read_text(encoding="utf-8")
)
VALIDATOR = Draft202012Validator(SCHEMA)


def wrong(document: Any) -> str:
    """What of a document is not as the schema states, and where; empty where it has its shape."""
    error = best_match(VALIDATOR.iter_errors(document))
    return "" if error is None else f"{error.json_path}: {error.message}"
