"""Strikes every part of a running Kibamail in the midst of a broadcast, then counts the mails.

`./kiba chaos` runs it. A newcomer's order: `site` (what is running), `blows` (what is done to a part),
`flight` (one broadcast on its way), `trials` (which blows at which moments of it), `plan` (which trials),
`verdict` (who got it how often, and what the books say). `clocks`, `disks`, `postman` and `copier` are the
means for what a signal cannot do.
"""
