"""Generated from docs/openapi.json by `./kiba clients`. Do not edit."""

from collections.abc import Mapping
from typing import Any, cast

from kibamail import models
from kibamail.transport import Transport


class Operations(Transport):
    """One method for each address of the API."""

    def list_audiences(self, *, cursor: str | None = None, limit: int | None = None) -> models.AudiencePage:
        """List audiences."""
        return cast('models.AudiencePage', self.call("GET", "/v1/audiences", query={"cursor": cursor, "limit": limit}))

    def create_audience(self, body: models.NewAudience) -> models.AudienceDetail:
        """Make an audience."""
        return cast('models.AudienceDetail', self.call("POST", "/v1/audiences", body=body))

    def get_audience(self, audience_id: str) -> models.AudienceDetail:
        """Read an audience."""
        return cast('models.AudienceDetail', self.call("GET", "/v1/audiences/{audience_id}", {"audience_id": audience_id}))

    def change_audience(self, audience_id: str, body: models.AudienceChange) -> models.AudienceDetail:
        """Change an audience."""
        return cast('models.AudienceDetail', self.call("PATCH", "/v1/audiences/{audience_id}", {"audience_id": audience_id}, body=body))

    def list_contacts(self, audience_id: str, *, cursor: str | None = None, limit: int | None = None, search: str | None = None, email: str | None = None, status: str | None = None, tag: str | None = None, property: str | None = None, created_from: str | None = None, created_before: str | None = None, updated_from: str | None = None, updated_before: str | None = None, sort: str | None = None) -> models.ContactPage:
        """List the contacts of an audience."""
        return cast('models.ContactPage', self.call("GET", "/v1/audiences/{audience_id}/contacts", {"audience_id": audience_id}, query={"cursor": cursor, "limit": limit, "search": search, "email": email, "status": status, "tag": tag, "property": property, "created_from": created_from, "created_before": created_before, "updated_from": updated_from, "updated_before": updated_before, "sort": sort}))

    def upsert_contact(self, audience_id: str, body: models.NewContact) -> models.ContactAnswer:
        """Add a contact, or change the one with that address."""
        return cast('models.ContactAnswer', self.call("POST", "/v1/audiences/{audience_id}/contacts", {"audience_id": audience_id}, body=body))

    def export_csv(self, audience_id: str, *, status: str | None = None, tag: str | None = None) -> str:
        """Get contacts as a CSV."""
        return cast('str', self.call("GET", "/v1/audiences/{audience_id}/contacts.csv", {"audience_id": audience_id}, query={"status": status, "tag": tag}))

    def export_ndjson(self, audience_id: str, *, status: str | None = None, tag: str | None = None) -> str:
        """Get contacts as JSON, one a line."""
        return cast('str', self.call("GET", "/v1/audiences/{audience_id}/contacts.ndjson", {"audience_id": audience_id}, query={"status": status, "tag": tag}))

    def upsert_contacts(self, audience_id: str, body: models.ContactBatch) -> models.ContactBatchAnswer:
        """Add or change up to 1,000 contacts."""
        return cast('models.ContactBatchAnswer', self.call("POST", "/v1/audiences/{audience_id}/contacts/batch", {"audience_id": audience_id}, body=body))

    def tag_contacts(self, audience_id: str, body: models.BulkTagChange) -> models.BulkTagAnswer:
        """Tag or untag up to 1,000 contacts."""
        return cast('models.BulkTagAnswer', self.call("POST", "/v1/audiences/{audience_id}/contacts/tags", {"audience_id": audience_id}, body=body))

    def list_exports(self, audience_id: str, *, cursor: str | None = None, limit: int | None = None) -> models.ExportPage:
        """List exports, the latest first."""
        return cast('models.ExportPage', self.call("GET", "/v1/audiences/{audience_id}/exports", {"audience_id": audience_id}, query={"cursor": cursor, "limit": limit}))

    def start_export(self, audience_id: str, body: models.NewExport) -> models.ExportAnswer:
        """Export contacts into a file."""
        return cast('models.ExportAnswer', self.call("POST", "/v1/audiences/{audience_id}/exports", {"audience_id": audience_id}, body=body))

    def list_imports(self, audience_id: str, *, cursor: str | None = None, limit: int | None = None) -> models.ImportPage:
        """List imports, the latest first."""
        return cast('models.ImportPage', self.call("GET", "/v1/audiences/{audience_id}/imports", {"audience_id": audience_id}, query={"cursor": cursor, "limit": limit}))

    def start_import(self, audience_id: str, body: Mapping[str, Any], files: Mapping[str, Any], *, dry_run: bool | None = None) -> models.PreviewAnswer | models.ImportAnswer:
        """Import contacts from a CSV."""
        return cast('models.PreviewAnswer | models.ImportAnswer', self.call("POST", "/v1/audiences/{audience_id}/imports", {"audience_id": audience_id}, query={"dry_run": dry_run}, body=body, files=files))

    def preview_import(self, audience_id: str, body: Mapping[str, Any], files: Mapping[str, Any]) -> models.FirstRowsAnswer:
        """See what a CSV looks like."""
        return cast('models.FirstRowsAnswer', self.call("POST", "/v1/audiences/{audience_id}/imports/preview", {"audience_id": audience_id}, body=body, files=files))

    def import_uploaded(self, audience_id: str, body: models.UploadedImport, *, dry_run: bool | None = None) -> models.PreviewAnswer | models.ImportAnswer:
        """Import contacts from an uploaded CSV."""
        return cast('models.PreviewAnswer | models.ImportAnswer', self.call("POST", "/v1/audiences/{audience_id}/imports/uploaded", {"audience_id": audience_id}, query={"dry_run": dry_run}, body=body))

    def preview_uploaded(self, audience_id: str, body: models.UploadedImport) -> models.FirstRowsAnswer:
        """See what an uploaded CSV looks like."""
        return cast('models.FirstRowsAnswer', self.call("POST", "/v1/audiences/{audience_id}/imports/uploaded/preview", {"audience_id": audience_id}, body=body))

    def list_properties(self, audience_id: str) -> models.PropertyList:
        """List the properties of an audience."""
        return cast('models.PropertyList', self.call("GET", "/v1/audiences/{audience_id}/properties", {"audience_id": audience_id}))

    def create_property(self, audience_id: str, body: models.NewProperty) -> models.PropertyAnswer:
        """Declare a property."""
        return cast('models.PropertyAnswer', self.call("POST", "/v1/audiences/{audience_id}/properties", {"audience_id": audience_id}, body=body))

    def delete_property(self, audience_id: str, property_name: str, *, dry_run: bool | None = None) -> models.DeletionAnswer:
        """Delete a property, with the contacts' values."""
        return cast('models.DeletionAnswer', self.call("DELETE", "/v1/audiences/{audience_id}/properties/{property_name}", {"audience_id": audience_id, "property_name": property_name}, query={"dry_run": dry_run}))

    def rename_property(self, audience_id: str, property_name: str, body: models.PropertyChange) -> models.PropertyAnswer:
        """Rename a property."""
        return cast('models.PropertyAnswer', self.call("PATCH", "/v1/audiences/{audience_id}/properties/{property_name}", {"audience_id": audience_id, "property_name": property_name}, body=body))

    def list_segments(self, audience_id: str, *, cursor: str | None = None, limit: int | None = None) -> models.SegmentPage:
        """List the segments of an audience."""
        return cast('models.SegmentPage', self.call("GET", "/v1/audiences/{audience_id}/segments", {"audience_id": audience_id}, query={"cursor": cursor, "limit": limit}))

    def create_segment(self, audience_id: str, body: models.NewSegment) -> models.SegmentAnswer:
        """Keep a segment."""
        return cast('models.SegmentAnswer', self.call("POST", "/v1/audiences/{audience_id}/segments", {"audience_id": audience_id}, body=body))

    def preview_segment(self, audience_id: str, body: models.Preview) -> models.SegmentPreview:
        """Try a filter."""
        return cast('models.SegmentPreview', self.call("POST", "/v1/audiences/{audience_id}/segments/preview", {"audience_id": audience_id}, body=body))

    def list_tags(self, audience_id: str) -> models.TagList:
        """List the tags of an audience."""
        return cast('models.TagList', self.call("GET", "/v1/audiences/{audience_id}/tags", {"audience_id": audience_id}))

    def create_tag(self, audience_id: str, body: models.NewTag) -> models.TagAnswer:
        """Make a tag."""
        return cast('models.TagAnswer', self.call("POST", "/v1/audiences/{audience_id}/tags", {"audience_id": audience_id}, body=body))

    def delete_tag(self, audience_id: str, tag_id: str) -> None:
        """Delete a tag."""
        self.call("DELETE", "/v1/audiences/{audience_id}/tags/{tag_id}", {"audience_id": audience_id, "tag_id": tag_id})

    def rename_tag(self, audience_id: str, tag_id: str, body: models.NewTag) -> models.TagAnswer:
        """Rename a tag."""
        return cast('models.TagAnswer', self.call("PATCH", "/v1/audiences/{audience_id}/tags/{tag_id}", {"audience_id": audience_id, "tag_id": tag_id}, body=body))

    def start_upload(self, audience_id: str, body: models.NewUpload) -> models.UploadAnswer:
        """Upload a CSV straight to storage."""
        return cast('models.UploadAnswer', self.call("POST", "/v1/audiences/{audience_id}/uploads", {"audience_id": audience_id}, body=body))

    def list_changes(self, *, cursor: str | None = None, limit: int | None = None, user_id: str | None = None, key_id: str | None = None, action: str | None = None, since: str | None = None, until: str | None = None) -> models.AuditPage:
        """List who changed what in the team, the newest first."""
        return cast('models.AuditPage', self.call("GET", "/v1/audit", query={"cursor": cursor, "limit": limit, "user_id": user_id, "key_id": key_id, "action": action, "since": since, "until": until}))

    def get_ways_in(self) -> models.Ways:
        """How people come in here."""
        return cast('models.Ways', self.call("GET", "/v1/auth"))

    def accept_invitation(self, body: models.Accepted) -> models.Offer:
        """Join a team."""
        return cast('models.Offer', self.call("POST", "/v1/auth/accept-invitation", body=body))

    def confirm_address(self, body: models.ByToken) -> None:
        """Confirm an e-mail address."""
        self.call("POST", "/v1/auth/confirm-address", body=body)

    def forgot_password(self, body: models.Forgotten) -> models.OnItsWay:
        """Have a link mailed that sets a new password."""
        return cast('models.OnItsWay', self.call("POST", "/v1/auth/forgot-password", body=body))

    def get_offer(self, body: models.ByToken) -> models.Offer:
        """What an invitation offers."""
        return cast('models.Offer', self.call("POST", "/v1/auth/invitation", body=body))

    def log_in(self, body: models.PasswordLogin) -> models.SessionBegun:
        """Log in by password."""
        return cast('models.SessionBegun', self.call("POST", "/v1/auth/log-in", body=body))

    def log_out(self) -> None:
        """Log out here."""
        self.call("POST", "/v1/auth/log-out")

    def log_in_by_passkey(self, body: models.PasskeyLogin) -> models.SessionBegun:
        """Log in by passkey."""
        return cast('models.SessionBegun', self.call("POST", "/v1/auth/passkey", body=body))

    def begin_passkey_login(self) -> models.Options:
        """Ask with what to log in by passkey; it holds for five minutes."""
        return cast('models.Options', self.call("POST", "/v1/auth/passkey/options"))

    def reset_password(self, body: models.NewPassword) -> None:
        """Set a new password by a mail's link."""
        self.call("POST", "/v1/auth/reset-password", body=body)

    def sign_up(self, body: models.SignUp) -> models.OnItsWay:
        """Make an account and a team."""
        return cast('models.OnItsWay', self.call("POST", "/v1/auth/sign-up", body=body))

    def begin_single_sign_on(self) -> models.Begun:
        """Begin a login by the provider; it holds for ten minutes."""
        return cast('models.Begun', self.call("POST", "/v1/auth/single-sign-on"))

    def finish_single_sign_on(self, body: models.Answered) -> models.SessionBegun:
        """Log in by what the provider answered."""
        return cast('models.SessionBegun', self.call("POST", "/v1/auth/single-sign-on/finish", body=body))

    def list_broadcasts(self, *, cursor: str | None = None, limit: int | None = None) -> models.BroadcastPage:
        """List broadcasts, the latest first."""
        return cast('models.BroadcastPage', self.call("GET", "/v1/broadcasts", query={"cursor": cursor, "limit": limit}))

    def create_broadcast(self, body: models.NewBroadcast) -> models.BroadcastDetail:
        """Write a broadcast."""
        return cast('models.BroadcastDetail', self.call("POST", "/v1/broadcasts", body=body))

    def get_broadcast(self, broadcast_id: str) -> models.BroadcastDetail:
        """Read a broadcast."""
        return cast('models.BroadcastDetail', self.call("GET", "/v1/broadcasts/{broadcast_id}", {"broadcast_id": broadcast_id}))

    def change_broadcast(self, broadcast_id: str, body: models.BroadcastChange) -> models.BroadcastDetail:
        """Change a draft, or one that is scheduled."""
        return cast('models.BroadcastDetail', self.call("PATCH", "/v1/broadcasts/{broadcast_id}", {"broadcast_id": broadcast_id}, body=body))

    def cancel_broadcast(self, broadcast_id: str) -> models.BroadcastDetail:
        """End it."""
        return cast('models.BroadcastDetail', self.call("POST", "/v1/broadcasts/{broadcast_id}/cancel", {"broadcast_id": broadcast_id}))

    def duplicate_broadcast(self, broadcast_id: str, body: models.Duplication | None = None) -> models.BroadcastDetail:
        """Write it once more."""
        return cast('models.BroadcastDetail', self.call("POST", "/v1/broadcasts/{broadcast_id}/duplicate", {"broadcast_id": broadcast_id}, body=body))

    def get_ledger(self, broadcast_id: str) -> models.Books:
        """Read the books."""
        return cast('models.Books', self.call("GET", "/v1/broadcasts/{broadcast_id}/ledger", {"broadcast_id": broadcast_id}))

    def list_messages(self, broadcast_id: str, *, cursor: str | None = None, limit: int | None = None, state: str | None = None) -> models.MailPage:
        """List its mails."""
        return cast('models.MailPage', self.call("GET", "/v1/broadcasts/{broadcast_id}/messages", {"broadcast_id": broadcast_id}, query={"cursor": cursor, "limit": limit, "state": state}))

    def pause_broadcast(self, broadcast_id: str) -> models.BroadcastDetail:
        """Hold it back."""
        return cast('models.BroadcastDetail', self.call("POST", "/v1/broadcasts/{broadcast_id}/pause", {"broadcast_id": broadcast_id}))

    def preview_broadcast(self, broadcast_id: str, body: models.Reading | None = None) -> models.PreviewOfMail:
        """See it as a reader would."""
        return cast('models.PreviewOfMail', self.call("POST", "/v1/broadcasts/{broadcast_id}/preview", {"broadcast_id": broadcast_id}, body=body))

    def get_progress(self, broadcast_id: str) -> models.ProgressAnswer:
        """See how far it is."""
        return cast('models.ProgressAnswer', self.call("GET", "/v1/broadcasts/{broadcast_id}/progress", {"broadcast_id": broadcast_id}))

    def publish_broadcast(self, broadcast_id: str, body: models.Publication | None = None) -> models.BroadcastDetail:
        """Send it, now or later."""
        return cast('models.BroadcastDetail', self.call("POST", "/v1/broadcasts/{broadcast_id}/publish", {"broadcast_id": broadcast_id}, body=body))

    def count_recipients(self, broadcast_id: str) -> models.RecipientsAnswer:
        """Count who would get it."""
        return cast('models.RecipientsAnswer', self.call("GET", "/v1/broadcasts/{broadcast_id}/recipients", {"broadcast_id": broadcast_id}))

    def rehearse_broadcast(self, broadcast_id: str, body: models.Rehearsing | None = None) -> models.RehearsalAnswer:
        """Rehearse it."""
        return cast('models.RehearsalAnswer', self.call("POST", "/v1/broadcasts/{broadcast_id}/rehearsal", {"broadcast_id": broadcast_id}, body=body))

    def get_report(self, broadcast_id: str) -> models.Report:
        """Read the report."""
        return cast('models.Report', self.call("GET", "/v1/broadcasts/{broadcast_id}/report", {"broadcast_id": broadcast_id}))

    def resume_broadcast(self, broadcast_id: str) -> models.BroadcastDetail:
        """Let it go on."""
        return cast('models.BroadcastDetail', self.call("POST", "/v1/broadcasts/{broadcast_id}/resume", {"broadcast_id": broadcast_id}))

    def test_send_broadcast(self, broadcast_id: str, body: models.Addressees) -> models.TrialList:
        """Send it to up to five addresses."""
        return cast('models.TrialList', self.call("POST", "/v1/broadcasts/{broadcast_id}/test-send", {"broadcast_id": broadcast_id}, body=body))

    def validate_broadcast(self, broadcast_id: str) -> models.Validation:
        """Ask what is still missing."""
        return cast('models.Validation', self.call("POST", "/v1/broadcasts/{broadcast_id}/validate", {"broadcast_id": broadcast_id}))

    def get_why(self, broadcast_id: str, *, address: str | None = None) -> models.Why:
        """Ask why a person got it, or did not."""
        return cast('models.Why', self.call("GET", "/v1/broadcasts/{broadcast_id}/why", {"broadcast_id": broadcast_id}, query={"address": address}))

    def choose_winner(self, broadcast_id: str, body: models.Choice) -> models.BroadcastDetail:
        """End its test and choose what the rest gets."""
        return cast('models.BroadcastDetail', self.call("POST", "/v1/broadcasts/{broadcast_id}/winner", {"broadcast_id": broadcast_id}, body=body))

    def delete_contact(self, contact_id: str) -> None:
        """Delete a contact."""
        self.call("DELETE", "/v1/contacts/{contact_id}", {"contact_id": contact_id})

    def get_contact(self, contact_id: str) -> models.ContactAnswer:
        """Read a contact."""
        return cast('models.ContactAnswer', self.call("GET", "/v1/contacts/{contact_id}", {"contact_id": contact_id}))

    def change_contact(self, contact_id: str, body: models.ContactChange) -> models.ContactAnswer:
        """Change a contact."""
        return cast('models.ContactAnswer', self.call("PATCH", "/v1/contacts/{contact_id}", {"contact_id": contact_id}, body=body))

    def list_activity(self, contact_id: str, *, cursor: str | None = None, limit: int | None = None) -> models.ActivityPage:
        """See what a contact got and did."""
        return cast('models.ActivityPage', self.call("GET", "/v1/contacts/{contact_id}/activity", {"contact_id": contact_id}, query={"cursor": cursor, "limit": limit}))

    def ask_to_confirm(self, contact_id: str) -> models.ConfirmationAnswer:
        """Ask a pending contact once more to confirm."""
        return cast('models.ConfirmationAnswer', self.call("POST", "/v1/contacts/{contact_id}/confirmation", {"contact_id": contact_id}))

    def merge_contacts(self, contact_id: str, body: models.Merge) -> models.ContactAnswer:
        """Make another contact part of this one."""
        return cast('models.ContactAnswer', self.call("POST", "/v1/contacts/{contact_id}/merge", {"contact_id": contact_id}, body=body))

    def list_subscriptions(self, contact_id: str) -> models.SubscriptionHistory:
        """See how a contact came to be subscribed, or not."""
        return cast('models.SubscriptionHistory', self.call("GET", "/v1/contacts/{contact_id}/subscriptions", {"contact_id": contact_id}))

    def tag_contact(self, contact_id: str, body: models.TagChange) -> models.ContactAnswer:
        """Tag or untag a contact."""
        return cast('models.ContactAnswer', self.call("POST", "/v1/contacts/{contact_id}/tags", {"contact_id": contact_id}, body=body))

    def list_domains(self, *, cursor: str | None = None, limit: int | None = None) -> models.DomainPage:
        """List domains."""
        return cast('models.DomainPage', self.call("GET", "/v1/domains", query={"cursor": cursor, "limit": limit}))

    def create_domain(self, body: models.NewDomain) -> models.DomainDetail:
        """Add a domain."""
        return cast('models.DomainDetail', self.call("POST", "/v1/domains", body=body))

    def delete_domain(self, domain_id: str) -> None:
        """Remove a domain."""
        self.call("DELETE", "/v1/domains/{domain_id}", {"domain_id": domain_id})

    def get_domain(self, domain_id: str) -> models.DomainDetail:
        """Read a domain and the records to publish."""
        return cast('models.DomainDetail', self.call("GET", "/v1/domains/{domain_id}", {"domain_id": domain_id}))

    def change_domain(self, domain_id: str, body: models.DomainChange) -> models.DomainDetail:
        """Sign with Ed25519 too, have links at an own host, follow submitted mail, or no more."""
        return cast('models.DomainDetail', self.call("PATCH", "/v1/domains/{domain_id}", {"domain_id": domain_id}, body=body))

    def get_domain_records(self, domain_id: str, *, host: str | None = None) -> models.EnteredRecords:
        """Read the records as your DNS host's panel wants them."""
        return cast('models.EnteredRecords', self.call("GET", "/v1/domains/{domain_id}/records", {"domain_id": domain_id}, query={"host": host}))

    def rotate_domain_key(self, domain_id: str) -> models.DomainDetail:
        """Have the next DKIM key sign from now on."""
        return cast('models.DomainDetail', self.call("POST", "/v1/domains/{domain_id}/rotate", {"domain_id": domain_id}))

    def verify_domain(self, domain_id: str) -> models.Verification:
        """Check the records in DNS."""
        return cast('models.Verification', self.call("POST", "/v1/domains/{domain_id}/verify", {"domain_id": domain_id}))

    def get_domain_zone(self, domain_id: str) -> str:
        """Read the records as a zone file."""
        return cast('str', self.call("GET", "/v1/domains/{domain_id}/zone", {"domain_id": domain_id}))

    def list_emails(self, *, cursor: str | None = None, limit: int | None = None, to: str | None = None, tag: str | None = None, state: str | None = None, stream: str | None = None, since: str | None = None, until: str | None = None) -> models.EmailPage:
        """List mails of no broadcast."""
        return cast('models.EmailPage', self.call("GET", "/v1/emails", query={"cursor": cursor, "limit": limit, "to": to, "tag": tag, "state": state, "stream": stream, "since": since, "until": until}))

    def send_email(self, body: models.NewEmail, *, idempotency_key: str | None = None) -> models.EmailTaken:
        """Send a mail."""
        return cast('models.EmailTaken', self.call("POST", "/v1/emails", body=body, once=True, idempotency_key=idempotency_key))

    def send_batch(self, body: models.NewBatch, *, idempotency_key: str | None = None) -> models.BatchAnswer:
        """Send up to 500 mails."""
        return cast('models.BatchAnswer', self.call("POST", "/v1/emails/batch", body=body, once=True, idempotency_key=idempotency_key))

    def get_email(self, email_id: str) -> models.EmailDetail:
        """See what became of a mail."""
        return cast('models.EmailDetail', self.call("GET", "/v1/emails/{email_id}", {"email_id": email_id}))

    def reschedule_email(self, email_id: str, body: models.NewMoment) -> models.EmailDetail:
        """Send it at another moment."""
        return cast('models.EmailDetail', self.call("PATCH", "/v1/emails/{email_id}", {"email_id": email_id}, body=body))

    def cancel_email(self, email_id: str) -> models.EmailDetail:
        """Do not send it."""
        return cast('models.EmailDetail', self.call("POST", "/v1/emails/{email_id}/cancel", {"email_id": email_id}))

    def create_erasure(self, body: models.NewErasure) -> models.ErasureAnswer:
        """Forget a person."""
        return cast('models.ErasureAnswer', self.call("POST", "/v1/erasures", body=body))

    def get_export(self, export_id: str) -> models.ExportAnswer:
        """See how far an export is, and where its file is."""
        return cast('models.ExportAnswer', self.call("GET", "/v1/exports/{export_id}", {"export_id": export_id}))

    def cancel_export(self, export_id: str) -> models.ExportAnswer:
        """Cancel an export."""
        return cast('models.ExportAnswer', self.call("POST", "/v1/exports/{export_id}/cancel", {"export_id": export_id}))

    def get_import(self, import_id: str) -> models.ImportAnswer:
        """See how far an import is."""
        return cast('models.ImportAnswer', self.call("GET", "/v1/imports/{import_id}", {"import_id": import_id}))

    def cancel_import(self, import_id: str) -> models.ImportAnswer:
        """Cancel an import."""
        return cast('models.ImportAnswer', self.call("POST", "/v1/imports/{import_id}/cancel", {"import_id": import_id}))

    def list_keys(self, *, cursor: str | None = None, limit: int | None = None) -> models.KeyPage:
        """List keys, the revoked ones too."""
        return cast('models.KeyPage', self.call("GET", "/v1/keys", query={"cursor": cursor, "limit": limit}))

    def create_key(self, body: models.NewKey) -> models.KeyMade:
        """Make a key."""
        return cast('models.KeyMade', self.call("POST", "/v1/keys", body=body))

    def revoke_key(self, key_id: str) -> None:
        """Revoke a key."""
        self.call("DELETE", "/v1/keys/{key_id}", {"key_id": key_id})

    def list_layouts(self, *, cursor: str | None = None, limit: int | None = None) -> models.LayoutPage:
        """List layouts, the latest first."""
        return cast('models.LayoutPage', self.call("GET", "/v1/layouts", query={"cursor": cursor, "limit": limit}))

    def create_layout(self, body: models.NewLayout) -> models.LayoutDetail:
        """Write a layout."""
        return cast('models.LayoutDetail', self.call("POST", "/v1/layouts", body=body))

    def delete_layout(self, layout_id: str) -> None:
        """Delete a layout."""
        self.call("DELETE", "/v1/layouts/{layout_id}", {"layout_id": layout_id})

    def get_layout(self, layout_id: str) -> models.LayoutDetail:
        """Read a layout."""
        return cast('models.LayoutDetail', self.call("GET", "/v1/layouts/{layout_id}", {"layout_id": layout_id}))

    def change_layout(self, layout_id: str, body: models.LayoutChange) -> models.LayoutDetail:
        """Save a layout."""
        return cast('models.LayoutDetail', self.call("PATCH", "/v1/layouts/{layout_id}", {"layout_id": layout_id}, body=body))

    def list_layout_versions(self, layout_id: str, *, cursor: str | None = None, limit: int | None = None) -> models.LayoutVersionPage:
        """List a layout's versions, the latest first."""
        return cast('models.LayoutVersionPage', self.call("GET", "/v1/layouts/{layout_id}/versions", {"layout_id": layout_id}, query={"cursor": cursor, "limit": limit}))

    def get_layout_version(self, number: int, layout_id: str) -> models.LayoutVersionDetail:
        """Read a version of a layout."""
        return cast('models.LayoutVersionDetail', self.call("GET", "/v1/layouts/{layout_id}/versions/{number}", {"number": number, "layout_id": layout_id}))

    def restore_layout_version(self, number: int, layout_id: str) -> models.LayoutDetail:
        """Bring a version of a layout back."""
        return cast('models.LayoutDetail', self.call("POST", "/v1/layouts/{layout_id}/versions/{number}/restore", {"number": number, "layout_id": layout_id}))

    def get_me(self) -> models.Me:
        """Who asks, and what they may do."""
        return cast('models.Me', self.call("GET", "/v1/me"))

    def update_me(self, body: models.ChangedPerson) -> models.Me:
        """Change one's own name."""
        return cast('models.Me', self.call("PATCH", "/v1/me", body=body))

    def list_my_changes(self, *, cursor: str | None = None, limit: int | None = None, user_id: str | None = None, key_id: str | None = None, action: str | None = None, since: str | None = None, until: str | None = None) -> models.AuditPage:
        """List what one changed oneself, logins too, the newest first."""
        return cast('models.AuditPage', self.call("GET", "/v1/me/audit", query={"cursor": cursor, "limit": limit, "user_id": user_id, "key_id": key_id, "action": action, "since": since, "until": until}))

    def list_passkeys(self) -> models.PasskeyList:
        """List one's passkeys."""
        return cast('models.PasskeyList', self.call("GET", "/v1/me/passkeys"))

    def create_passkey(self, body: models.NewPasskey) -> models.PasskeyAnswer:
        """Keep a passkey that the browser made."""
        return cast('models.PasskeyAnswer', self.call("POST", "/v1/me/passkeys", body=body))

    def begin_passkey(self) -> models.Options:
        """Ask with what to make a passkey; it holds for five minutes."""
        return cast('models.Options', self.call("POST", "/v1/me/passkeys/options"))

    def remove_passkey(self, passkey_id: str) -> None:
        """Forget a passkey."""
        self.call("DELETE", "/v1/me/passkeys/{passkey_id}", {"passkey_id": passkey_id})

    def change_password(self, body: models.ChangedPassword) -> None:
        """Change one's password."""
        self.call("PUT", "/v1/me/password", body=body)

    def create_recovery_codes(self) -> models.RecoveryCodes:
        """Make new recovery codes; those before them are worth nothing any more."""
        return cast('models.RecoveryCodes', self.call("POST", "/v1/me/recovery-codes"))

    def remove_totp(self) -> None:
        """Log in without codes again."""
        self.call("DELETE", "/v1/me/totp")

    def create_totp(self) -> models.NewAuthenticator:
        """Begin with an authenticator."""
        return cast('models.NewAuthenticator', self.call("POST", "/v1/me/totp"))

    def confirm_totp(self, body: models.Code) -> models.RecoveryCodes:
        """Confirm the authenticator: from now on logins by password want its code."""
        return cast('models.RecoveryCodes', self.call("POST", "/v1/me/totp/confirm", body=body))

    def list_media(self, *, cursor: str | None = None, limit: int | None = None) -> models.MediaPage:
        """List pictures, the latest first."""
        return cast('models.MediaPage', self.call("GET", "/v1/media", query={"cursor": cursor, "limit": limit}))

    def create_media(self, body: models.NewMedia) -> models.AwaitedMedia:
        """Announce a picture."""
        return cast('models.AwaitedMedia', self.call("POST", "/v1/media", body=body))

    def delete_media(self, media_id: str) -> None:
        """Delete a picture."""
        self.call("DELETE", "/v1/media/{media_id}", {"media_id": media_id})

    def get_media(self, media_id: str) -> models.MediaAnswer:
        """Read a picture's addresses."""
        return cast('models.MediaAnswer', self.call("GET", "/v1/media/{media_id}", {"media_id": media_id}))

    def complete_media(self, media_id: str) -> models.MediaAnswer:
        """Say that a picture was uploaded."""
        return cast('models.MediaAnswer', self.call("POST", "/v1/media/{media_id}/complete", {"media_id": media_id}))

    def get_message(self, message_id: str) -> models.MailDetail:
        """See all that happened to a mail."""
        return cast('models.MailDetail', self.call("GET", "/v1/messages/{message_id}", {"message_id": message_id}))

    def list_notices(self, *, cursor: str | None = None, limit: int | None = None) -> models.NoticePage:
        """List what happened."""
        return cast('models.NoticePage', self.call("GET", "/v1/notices", query={"cursor": cursor, "limit": limit}))

    def delete_segment(self, segment_id: str) -> None:
        """Delete a segment."""
        self.call("DELETE", "/v1/segments/{segment_id}", {"segment_id": segment_id})

    def get_segment(self, segment_id: str) -> models.SegmentAnswer:
        """Read a segment."""
        return cast('models.SegmentAnswer', self.call("GET", "/v1/segments/{segment_id}", {"segment_id": segment_id}))

    def change_segment(self, segment_id: str, body: models.SegmentChange) -> models.SegmentAnswer:
        """Change a segment."""
        return cast('models.SegmentAnswer', self.call("PATCH", "/v1/segments/{segment_id}", {"segment_id": segment_id}, body=body))

    def list_segment_contacts(self, segment_id: str, *, cursor: str | None = None, limit: int | None = None) -> models.ContactPage:
        """List its people."""
        return cast('models.ContactPage', self.call("GET", "/v1/segments/{segment_id}/contacts", {"segment_id": segment_id}, query={"cursor": cursor, "limit": limit}))

    def count_segment(self, segment_id: str) -> models.CountAnswer:
        """Count its people."""
        return cast('models.CountAnswer', self.call("GET", "/v1/segments/{segment_id}/count", {"segment_id": segment_id}))

    def list_senders(self, *, cursor: str | None = None, limit: int | None = None) -> models.SenderPage:
        """List senders."""
        return cast('models.SenderPage', self.call("GET", "/v1/senders", query={"cursor": cursor, "limit": limit}))

    def create_sender(self, body: models.NewSender) -> models.SenderAnswer:
        """Add a sender."""
        return cast('models.SenderAnswer', self.call("POST", "/v1/senders", body=body))

    def end_other_sessions(self) -> None:
        """Log out everywhere but here."""
        self.call("DELETE", "/v1/sessions")

    def list_sessions(self, *, cursor: str | None = None, limit: int | None = None) -> models.SessionPage:
        """List where one is logged in."""
        return cast('models.SessionPage', self.call("GET", "/v1/sessions", query={"cursor": cursor, "limit": limit}))

    def end_session(self, session_id: str) -> None:
        """Log out there."""
        self.call("DELETE", "/v1/sessions/{session_id}", {"session_id": session_id})

    def list_streams(self) -> models.StreamList:
        """List the streams of submitted mail."""
        return cast('models.StreamList', self.call("GET", "/v1/streams"))

    def resume_stream(self, stream: str) -> models.StreamAnswer:
        """Let a stream go on that stopped itself."""
        return cast('models.StreamAnswer', self.call("POST", "/v1/streams/{stream}/resume", {"stream": stream}))

    def list_suppressions(self, *, cursor: str | None = None, limit: int | None = None, email: str | None = None, containing: str | None = None, reason: str | None = None) -> models.SuppressionPage:
        """List suppressions."""
        return cast('models.SuppressionPage', self.call("GET", "/v1/suppressions", query={"cursor": cursor, "limit": limit, "email": email, "containing": containing, "reason": reason}))

    def create_suppression(self, body: models.NewSuppression) -> models.SuppressionAnswer:
        """Keep an address from being mailed."""
        return cast('models.SuppressionAnswer', self.call("POST", "/v1/suppressions", body=body))

    def export_suppressions(self) -> str:
        """Get all as a CSV."""
        return cast('str', self.call("GET", "/v1/suppressions/export"))

    def import_suppressions(self, body: Mapping[str, Any], files: Mapping[str, Any]) -> models.ImportedAnswer:
        """Keep the addresses of a CSV from being mailed."""
        return cast('models.ImportedAnswer', self.call("POST", "/v1/suppressions/imports", body=body, files=files))

    def list_removals(self, *, cursor: str | None = None, limit: int | None = None, email: str | None = None) -> models.RemovalPage:
        """See what was taken back, and why."""
        return cast('models.RemovalPage', self.call("GET", "/v1/suppressions/removals", query={"cursor": cursor, "limit": limit, "email": email}))

    def delete_suppression(self, suppression_id: str, *, because: str | None = None) -> None:
        """Let an address be mailed again."""
        self.call("DELETE", "/v1/suppressions/{suppression_id}", {"suppression_id": suppression_id}, query={"because": because})

    def get_team(self) -> models.TeamAnswer:
        """The team."""
        return cast('models.TeamAnswer', self.call("GET", "/v1/team"))

    def rename_team(self, body: models.NamedTeam) -> models.TeamAnswer:
        """Rename the team."""
        return cast('models.TeamAnswer', self.call("PATCH", "/v1/team", body=body))

    def list_invitations(self, *, cursor: str | None = None, limit: int | None = None) -> models.InvitationPage:
        """List open invitations."""
        return cast('models.InvitationPage', self.call("GET", "/v1/team/invitations", query={"cursor": cursor, "limit": limit}))

    def create_invitation(self, body: models.NewInvitation) -> models.InvitationAnswer:
        """Invite somebody by mail; it holds for seven days."""
        return cast('models.InvitationAnswer', self.call("POST", "/v1/team/invitations", body=body))

    def revoke_invitation(self, invitation_id: str) -> None:
        """Revoke an invitation; its mail's link opens nothing any more."""
        self.call("DELETE", "/v1/team/invitations/{invitation_id}", {"invitation_id": invitation_id})

    def resend_invitation(self, invitation_id: str) -> models.InvitationAnswer:
        """Mail an invitation again; its seven days begin anew."""
        return cast('models.InvitationAnswer', self.call("POST", "/v1/team/invitations/{invitation_id}/resend", {"invitation_id": invitation_id}))

    def list_members(self, *, cursor: str | None = None, limit: int | None = None) -> models.MemberPage:
        """List who is in the team."""
        return cast('models.MemberPage', self.call("GET", "/v1/team/members", query={"cursor": cursor, "limit": limit}))

    def remove_member(self, user_id: str) -> None:
        """Remove somebody from the team."""
        self.call("DELETE", "/v1/team/members/{user_id}", {"user_id": user_id})

    def change_role(self, user_id: str, body: models.ChangedRole) -> models.MemberAnswer:
        """Give somebody another role."""
        return cast('models.MemberAnswer', self.call("PATCH", "/v1/team/members/{user_id}", {"user_id": user_id}, body=body))

    def list_my_teams(self) -> models.MyTeams:
        """List one's teams."""
        return cast('models.MyTeams', self.call("GET", "/v1/teams"))

    def create_team(self, body: models.NamedTeam) -> models.MyTeam:
        """Make a team, and be its administrator."""
        return cast('models.MyTeam', self.call("POST", "/v1/teams", body=body))

    def leave_team(self, team_id: str) -> None:
        """Leave a team."""
        self.call("POST", "/v1/teams/{team_id}/leave", {"team_id": team_id})

    def list_templates(self, *, cursor: str | None = None, limit: int | None = None) -> models.TemplatePage:
        """List templates, the latest first."""
        return cast('models.TemplatePage', self.call("GET", "/v1/templates", query={"cursor": cursor, "limit": limit}))

    def create_template(self, body: models.NewTemplate) -> models.TemplateDetail:
        """Write a template."""
        return cast('models.TemplateDetail', self.call("POST", "/v1/templates", body=body))

    def delete_template(self, template_id: str) -> None:
        """Delete a template."""
        self.call("DELETE", "/v1/templates/{template_id}", {"template_id": template_id})

    def get_template(self, template_id: str) -> models.TemplateDetail:
        """Read a template."""
        return cast('models.TemplateDetail', self.call("GET", "/v1/templates/{template_id}", {"template_id": template_id}))

    def change_template(self, template_id: str, body: models.TemplateChange) -> models.TemplateDetail:
        """Save a template."""
        return cast('models.TemplateDetail', self.call("PATCH", "/v1/templates/{template_id}", {"template_id": template_id}, body=body))

    def preview_template(self, template_id: str, body: models.TemplateReading | None = None) -> models.PreviewOfMail:
        """See it as a reader would."""
        return cast('models.PreviewOfMail', self.call("POST", "/v1/templates/{template_id}/preview", {"template_id": template_id}, body=body))

    def test_send_template(self, template_id: str, body: models.TemplateAddressees) -> models.TrialList:
        """Send it to up to five addresses."""
        return cast('models.TrialList', self.call("POST", "/v1/templates/{template_id}/test-send", {"template_id": template_id}, body=body))

    def list_template_versions(self, template_id: str, *, cursor: str | None = None, limit: int | None = None) -> models.TemplateVersionPage:
        """List a template's versions, the latest first."""
        return cast('models.TemplateVersionPage', self.call("GET", "/v1/templates/{template_id}/versions", {"template_id": template_id}, query={"cursor": cursor, "limit": limit}))

    def get_template_version(self, number: int, template_id: str) -> models.TemplateVersionDetail:
        """Read a version of a template."""
        return cast('models.TemplateVersionDetail', self.call("GET", "/v1/templates/{template_id}/versions/{number}", {"number": number, "template_id": template_id}))

    def restore_template_version(self, number: int, template_id: str) -> models.TemplateDetail:
        """Bring a version of a template back."""
        return cast('models.TemplateDetail', self.call("POST", "/v1/templates/{template_id}/versions/{number}/restore", {"number": number, "template_id": template_id}))

    def get_usage(self) -> models.UsageAnswer:
        """See what was used, and what is left."""
        return cast('models.UsageAnswer', self.call("GET", "/v1/usage"))

    def list_webhooks(self) -> models.WebhookList:
        """List endpoints."""
        return cast('models.WebhookList', self.call("GET", "/v1/webhooks"))

    def create_webhook(self, body: models.NewWebhook) -> models.WebhookSecret:
        """Have an app told."""
        return cast('models.WebhookSecret', self.call("POST", "/v1/webhooks", body=body))

    def list_webhook_event_types(self) -> models.EventTypeList:
        """List what apps can be told."""
        return cast('models.EventTypeList', self.call("GET", "/v1/webhooks/event-types"))

    def delete_webhook(self, webhook_id: str) -> None:
        """Forget an endpoint and its log."""
        self.call("DELETE", "/v1/webhooks/{webhook_id}", {"webhook_id": webhook_id})

    def get_webhook(self, webhook_id: str) -> models.WebhookAnswer:
        """Get an endpoint."""
        return cast('models.WebhookAnswer', self.call("GET", "/v1/webhooks/{webhook_id}", {"webhook_id": webhook_id}))

    def change_webhook(self, webhook_id: str, body: models.WebhookChange) -> models.WebhookAnswer:
        """Change an endpoint."""
        return cast('models.WebhookAnswer', self.call("PATCH", "/v1/webhooks/{webhook_id}", {"webhook_id": webhook_id}, body=body))

    def list_webhook_attempts(self, webhook_id: str, *, cursor: str | None = None, limit: int | None = None, delivery_id: str | None = None) -> models.AttemptPage:
        """List requests to an endpoint, with its answers."""
        return cast('models.AttemptPage', self.call("GET", "/v1/webhooks/{webhook_id}/attempts", {"webhook_id": webhook_id}, query={"cursor": cursor, "limit": limit, "delivery_id": delivery_id}))

    def list_webhook_deliveries(self, webhook_id: str, *, cursor: str | None = None, limit: int | None = None, state: str | None = None, type: str | None = None) -> models.DeliveryPage:
        """List what is told to an endpoint."""
        return cast('models.DeliveryPage', self.call("GET", "/v1/webhooks/{webhook_id}/deliveries", {"webhook_id": webhook_id}, query={"cursor": cursor, "limit": limit, "state": state, "type": type}))

    def replay_webhook_delivery(self, webhook_id: str, delivery_id: str) -> models.DeliveryAnswer:
        """Send one event anew."""
        return cast('models.DeliveryAnswer', self.call("POST", "/v1/webhooks/{webhook_id}/deliveries/{delivery_id}/replay", {"webhook_id": webhook_id, "delivery_id": delivery_id}))

    def replay_webhook(self, webhook_id: str, body: models.Replay) -> models.ReplayAnswer:
        """Send anew what happened in a span of time."""
        return cast('models.ReplayAnswer', self.call("POST", "/v1/webhooks/{webhook_id}/replay", {"webhook_id": webhook_id}, body=body))

    def rotate_webhook_secret(self, webhook_id: str, body: models.Rotation | None = None) -> models.WebhookSecret:
        """Change the secret."""
        return cast('models.WebhookSecret', self.call("POST", "/v1/webhooks/{webhook_id}/rotate", {"webhook_id": webhook_id}, body=body))

    def test_webhook(self, webhook_id: str, body: models.Test | None = None) -> models.WebhookTest:
        """Send a made-up event, and see what the app answers."""
        return cast('models.WebhookTest', self.call("POST", "/v1/webhooks/{webhook_id}/test", {"webhook_id": webhook_id}, body=body))
