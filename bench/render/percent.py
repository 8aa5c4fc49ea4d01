"""How a share is printed in percent."""


def percent(part: int, whole: int) -> str:
    """Return the share of a part in percent, with two significant digits below 1 %."""
    value = 100 * part / whole
    return f"{value:#.2g}%" if value < 1 else f"{value:.1f}%"
