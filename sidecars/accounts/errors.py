"""What the API answers people with; each is said in words for them."""


class LoginRefused(Exception):
    """Not who they say to be."""


class TooManyTries(Exception):
    """`seconds` to wait before the next."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"Too many failed logins; try again in {seconds} s.")
        self.seconds = seconds


class NotPossible(Exception):
    """Not as things stand; `state` is how they do."""

    def __init__(self, message: str, state: str) -> None:
        super().__init__(message)
        self.state = state


class Wrong(Exception):
    """Something given is wrong; `field` is where it stands."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
