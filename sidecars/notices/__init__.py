"""Mails of ours to a team's people, about what they must know. One template a kind, in `templates/`."""
