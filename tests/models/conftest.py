"""A database of its own for the tests of the schema, and one good row of each table."""

from contextlib import contextmanager
from types import SimpleNamespace
from uuid import UUID

import pymysql
import pytest
from playhouse.migrations import Runner

from sidecars.models import (
    Audience,
    BaseModel,
    Broadcast,
    Contact,
    Content,
    SenderIdentity,
    SendingDomain,
    Team,
    now,
)
from sidecars.models import database as application_database
from sidecars.models.database import MIGRATIONS, connect
from sidecars.settings import settings


@pytest.fixture(scope="session")
def created(stack):
    """`with created("kibamail_x") as database`: an empty one, dropped at the end."""

    @contextmanager
    def create(name):
        parameters = application_database.connect_params
        server = pymysql.connect(**{key: parameters[key] for key in ("host", "port", "user", "password")})
        with server, server.cursor() as cursor:
            cursor.execute(f"DROP DATABASE IF EXISTS {name}")
            cursor.execute(f"CREATE DATABASE {name}")
            database = connect(settings.database_url.rpartition("/")[0] + f"/{name}")
            with database.connection_context():
                yield database
            database.close_all()
            cursor.execute(f"DROP DATABASE {name}")

    return create


@pytest.fixture(scope="session")
def migrated(created):
    with created("kibamail_models") as database:
        Runner(database, str(MIGRATIONS)).up()
        yield database


@pytest.fixture
def database(migrated):
    """Models speak to the migrated database; what the test writes is rolled back."""
    models = BaseModel.__subclasses__()
    with migrated.bind_ctx(models), migrated.atomic() as transaction:
        yield migrated
        transaction.rollback()


@pytest.fixture
def rows(database):
    """A team with a domain, a sender, an audience of one, and a broadcast."""
    team = Team.create(name="Acme")
    domain = SendingDomain.create(
        team=team,
        name="news.acme.example",
        dkim_selector="kb1",
        dkim_private_key="sealed",
        dkim_public_key="public",
        return_path="kb.news.acme.example",
    )
    sender = SenderIdentity.create(team=team, domain=domain, name="Acme", address="hi@news.acme.example")
    audience = Audience.create(team=team, name="Readers")
    contact = Contact.create(audience=audience, email="zoe@people.example", subscribed_at=now())
    content = Content.create(team=team, kind="html", subject="Hello", body="<p>Hello</p>")
    broadcast = Broadcast.create(team=team, audience=audience, sender=sender, name="First")
    return SimpleNamespace(
        team=team,
        domain=domain,
        sender=sender,
        audience=audience,
        contact=contact,
        content=content,
        broadcast=broadcast,
        message_id=UUID("01890f5e-3f40-7abc-8def-0123456789ab"),
    )
