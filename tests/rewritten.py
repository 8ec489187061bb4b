"""Functions of the database with a part of them put out of action, for negative controls."""

THERE_IS_ROOM = ("s_used[r_stock[r]] + n <= s_cap[r_stock[r]]", "true")
STILL_HOLDS = ("p_version <> concat_ws(", "false AND p_version <> concat_ws(")


def rewritten(function: str, *changes: tuple[str, str]) -> str:
    """The statement that makes the function anew, each text replaced by its other. It fails where one is not there."""
    steps = [
        f"ASSERT position({_literal(old)} IN body) > 0; body := replace(body, {_literal(old)}, {_literal(new)});"
        for old, new in changes
    ]
    body = f"body text := pg_get_functiondef('{function}'::regproc)"
    return f"DO $do$ DECLARE {body}; BEGIN {' '.join(steps)} EXECUTE body; END $do$"


def without_the_condition() -> str:
    """Places are sold that there are not."""
    return rewritten("place_orders", THERE_IS_ROOM)


def without_the_check() -> str:
    """A round of scans is written whatever happened since it was read."""
    return rewritten("keep_book", STILL_HOLDS)


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
