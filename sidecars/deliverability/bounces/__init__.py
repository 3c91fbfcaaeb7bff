"""What a refusal means, and what a mail that comes back is. Pure.

In the order in which a mail is read: `mime` takes it apart within bounds, `feedback` reads complaints,
`dsn` reports in standard form, `automatic` answers by machines, `notices` everything else. `replies` judges
what a server said, in SMTP replies and DSNs alike; `reading` puts them together.
"""

from sidecars.deliverability.bounces.reading import Inbound, Reading, classify_inbound, read_mail
from sidecars.deliverability.bounces.replies import Verdict, classify_reply, judge_reply, reply_code

__all__ = [
    "Inbound",
    "Reading",
    "Verdict",
    "classify_inbound",
    "classify_reply",
    "judge_reply",
    "read_mail",
    "reply_code",
]
