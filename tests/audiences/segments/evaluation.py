"""What a filter means, said once more in plain Python: of the JSON and a person, without the compiler."""

from datetime import date, timedelta

from tests.audiences.segments.world import AT, KINDS

TODAY = AT.date()
FIELD_KINDS = {"subscribed_at": "date", "unsubscribed_at": "date", "created_at": "date"}


def holds(asked, person, world):
    match asked:
        case {"all": parts}:
            return all(holds(part, person, world) for part in parts)
        case {"any": parts}:
            return any(holds(part, person, world) for part in parts)
        case {"not": inner}:
            return not holds(inner, person, world)
        case {"tag": name}:
            return name in person.tags
        case {"recipient_of": name}:
            return _place(name, world) in person.recipient_of
        case {"engagement": _}:
            return _engaged(asked, person, world)
        case {"property": name}:
            return _compares(KINDS[name], asked, person.properties.get(name))
        case {"field": "email_domain"}:
            return _compares("text", asked, person.email.partition("@")[2])
        case {"field": name}:
            return _compares(FIELD_KINDS.get(name, "text"), asked, getattr(person, name))
    raise AssertionError(asked)


def _place(name, world):
    return next(place for place, number in world.ids.items() if name == f"bc_{number}")


def _engaged(asked, person, world):
    before = [place for place, days in world.broadcasts.items() if days > 0]
    latest = sorted(before, key=lambda place: world.broadcasts[place])
    places = set(latest)
    if "last_broadcasts" in asked:
        places = set(latest[: asked["last_broadcasts"]])
    if "broadcasts" in asked:
        places = {_place(name, world) for name in asked["broadcasts"]}
    longest = asked.get("days", 10**6)
    found = set()
    for what, place, days, verdict in person.events:
        if place not in places or not 0 <= days < longest:
            continue
        if asked["engagement"] == "received":
            if what == "delivered" and ("bounced", place) not in {event[:2] for event in person.events}:
                found.add(place)
        elif what == asked["engagement"] and (verdict == "person" or asked.get("signals") == "all"):
            found.add(place)
    return len(found) >= asked.get("at_least", 1)


def _compares(kind, asked, value):
    if asked["op"] == "empty":
        return value in (None, "", [])
    if value is None:
        return False
    return {"text": _text, "number": _number, "date": _date, "boolean": _boolean, "list": _list}[kind](
        asked["op"], asked["value"], value
    )


def lower(text):
    return "".join(mark.lower() for mark in text)


def _text(op, wanted, value):
    value = lower(value)
    if op == "in":
        return value in [lower(each) for each in wanted]
    wanted = lower(wanted)
    return {
        "equals": value == wanted,
        "contains": wanted in value,
        "starts_with": value.startswith(wanted),
        "ends_with": value.endswith(wanted),
    }[op]


def _number(op, wanted, value):
    match op:
        case "equals":
            return value == wanted
        case "less_than":
            return value < wanted
        case "at_most":
            return value <= wanted
        case "more_than":
            return value > wanted
        case "at_least":
            return value >= wanted
        case "between":
            return wanted[0] <= value <= wanted[1]


def _date(op, wanted, value):
    day = date.fromisoformat(value[:10]) if isinstance(value, str) else value.date()
    days = wanted if isinstance(wanted, int) else 0
    match op:
        case "on":
            return day == date.fromisoformat(wanted)
        case "before":
            return day < date.fromisoformat(wanted)
        case "after":
            return day > date.fromisoformat(wanted)
        case "between":
            return date.fromisoformat(wanted[0]) <= day <= date.fromisoformat(wanted[1])
        case "in_last_days":
            return TODAY - timedelta(days=days) <= day <= TODAY
        case "in_next_days":
            return TODAY <= day <= TODAY + timedelta(days=days)
        case "more_than_days_ago":
            return day < TODAY - timedelta(days=days)
        case "anniversary_in_days":
            then = TODAY + timedelta(days=days)
            try:
                return day.replace(year=then.year) == then
            except ValueError:
                return then == date(then.year, 2, 28)


def _boolean(op, wanted, value):
    return value is wanted


def _list(op, wanted, value):
    value, wanted = {lower(each) for each in value}, {lower(each) for each in wanted}
    return bool(value & wanted) if op == "contains_any" else wanted <= value
