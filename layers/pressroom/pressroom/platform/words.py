"""Numbers in sentences. Light: the standard library only."""


def counted(number: object, one: str, many: str = "", *, more: bool = False) -> str:
    """Write a number, or its text, with its noun: `1 delivery`, `2 deliveries`. `more`: counting stopped there."""
    noun = one if str(number) == "1" and not more else many or f"{one}s"
    return f"{'more than ' if more else ''}{number} {noun}"
