"""An audience in the real database, and lists imported through the real storage."""

import io

import pytest

from sidecars.audiences import contacts, importing
from sidecars.models import Contact, ContactImport, Team


@pytest.fixture
def audience(stack):
    return contacts.create_audience(Team.create(name="Acme").id, "Readers")


@pytest.fixture
def uploaded(audience):
    """Stores a file as an import waits for its worker: text or bytes in, the import out."""

    def _uploaded(content, mapping=None, options=None):
        data = content.encode() if isinstance(content, str) else content
        return importing.create(audience, "people.csv", io.BytesIO(data), mapping, options)

    return _uploaded


@pytest.fixture
def imported(uploaded):
    """The import after its worker ran."""

    def _imported(content, mapping=None, options=None):
        job = uploaded(content, mapping, options)
        importing.run(job.id)
        return ContactImport.get_by_id(job.id)

    return _imported


@pytest.fixture
def people(audience):
    """The audience's contacts by address."""

    def _people():
        return {row.email: row for row in Contact.select().where(Contact.audience == audience)}

    return _people
