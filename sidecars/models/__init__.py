"""MySQL tables, one file a concept; the schema itself is in `sidecars/migrations/`."""

from sidecars.models.accounts import ApiKey, Membership, Team, User
from sidecars.models.archive import ArchivedPart
from sidecars.models.audiences import (
    Audience,
    Confirmation,
    Contact,
    ContactImport,
    ContactTag,
    EngagedContact,
    EngagementSet,
    MergedContact,
    PropertyDefinition,
    Segment,
    SubscriptionChange,
    Tag,
)
from sidecars.models.broadcasts import Broadcast, Content, Link, Variant
from sidecars.models.database import BaseModel, UtcDateTimeField, database, migrate, now
from sidecars.models.domains import SenderIdentity, SendingDomain
from sidecars.models.lanes import LaneControl, LanePolicy, OperatorAction, Source, Warmup
from sidecars.models.notices import MailStream, Notice
from sidecars.models.sends import Edge, Email, Send, SendSlice
from sidecars.models.suppressions import ErasedAddress, SoftBounce, Suppression, SuppressionRemoval

__all__ = [
    "ApiKey",
    "ArchivedPart",
    "Audience",
    "BaseModel",
    "Broadcast",
    "Confirmation",
    "Contact",
    "ContactImport",
    "ContactTag",
    "Content",
    "Edge",
    "Email",
    "EngagedContact",
    "EngagementSet",
    "ErasedAddress",
    "LaneControl",
    "LanePolicy",
    "Link",
    "MailStream",
    "Membership",
    "MergedContact",
    "Notice",
    "OperatorAction",
    "PropertyDefinition",
    "Segment",
    "Send",
    "SendSlice",
    "SenderIdentity",
    "SendingDomain",
    "SoftBounce",
    "Source",
    "SubscriptionChange",
    "Suppression",
    "SuppressionRemoval",
    "Tag",
    "Team",
    "User",
    "UtcDateTimeField",
    "Variant",
    "Warmup",
    "database",
    "migrate",
    "now",
]
