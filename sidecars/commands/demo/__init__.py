"""The demonstration of `./kiba run`: a new team's first broadcast, through the API that users have."""
