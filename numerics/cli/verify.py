def verify() -> int:
    return 0
