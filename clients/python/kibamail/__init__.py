"""The Kibamail API: `Kibamail(api_key="kb_…").send_email({…})`."""

from kibamail.client import Kibamail, KibamailError

__all__ = ["Kibamail", "KibamailError"]
