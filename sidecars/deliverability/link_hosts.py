"""Whether links at a domain's own host would work: our receiver answers there, by a good certificate."""

from typing import Any
from urllib.parse import urlsplit

import urllib3

from sidecars.edge.tracking import url_at
from sidecars.names import PATH_OPEN
from sidecars.settings import settings

SECONDS = 5.0
# The pixel of no mail: our receiver answers with an image whatever the token is.
PROBE = f"{PATH_OPEN}/check.gif"


def fault_of(host: str) -> str:
    """What is wrong with links at `host`, whose CNAME leads to us ("": nothing).

    Asks the machine of TRACKING_URL in that name, so that a name never chooses whom we connect to.
    """
    is_https = urlsplit(settings.tracking_url).scheme == "https"
    name: dict[str, Any] = {"server_hostname": host, "assert_hostname": host} if is_https else {}
    headers = {"Host": urlsplit(url_at(host)).netloc}
    try:
        with urllib3.PoolManager(headers=headers, timeout=SECONDS, retries=False, **name) as pool:
            answer = pool.request("GET", settings.tracking_url + PROBE)
    except urllib3.exceptions.SSLError as error:
        return _ours_to_mend(f"{host} has no certificate with us yet", error)
    except urllib3.exceptions.HTTPError as error:
        return _ours_to_mend("nothing answers in this name", error)
    if answer.status != 200 or answer.headers.get("Content-Type") != "image/gif":
        return _ours_to_mend("something else answers in this name", f"status {answer.status}")
    return ""


def _ours_to_mend(what: str, why: object) -> str:
    return f"The CNAME is right, but {what}, which is ours to mend. ({why})"[:500]
