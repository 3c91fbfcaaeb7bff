"""Models describe the tables that the migrations make; here each is held against the other."""

import peewee
import pytest

from sidecars.models import BaseModel

MODELS = sorted(BaseModel.__subclasses__(), key=lambda model: model._meta.table_name)

WHOLE_NUMBERS = {"tinyint", "smallint", "int", "bigint"}
COLUMN_TYPES = {
    peewee.AutoField: {"smallint", "int"},
    peewee.BigAutoField: {"bigint"},
    peewee.BinaryUUIDField: {"binary"},
    peewee.BlobField: {"binary", "mediumblob"},
    peewee.BooleanField: {"tinyint"},
    peewee.CharField: {"varchar"},
    peewee.DateTimeField: {"datetime"},
    peewee.DateField: {"date"},
    peewee.IntegerField: WHOLE_NUMBERS,
    peewee.JSONField: {"json", "longtext"},  # MariaDB's JSON is a checked LONGTEXT
    peewee.TextField: {"text", "mediumtext"},
}


def column_types(field):
    if isinstance(field, peewee.ForeignKeyField):
        return column_types(field.rel_field) & WHOLE_NUMBERS
    return next(COLUMN_TYPES[kind] for kind in type(field).__mro__ if kind in COLUMN_TYPES)


@pytest.fixture(scope="module")
def columns(migrated):
    """{table: {column: (nullable, type, length, fraction of a second)}}."""
    found = {}
    for table, column, nullable, kind, length, fraction in migrated.execute_sql(
        "SELECT table_name, column_name, is_nullable, data_type, character_maximum_length, "
        "datetime_precision FROM information_schema.columns WHERE table_schema = DATABASE()"
    ):
        found.setdefault(table, {})[column] = (nullable == "YES", kind, length, fraction)
    return found


def keys(database, table):
    """(the primary key's columns, the sets of columns that are unique)."""
    primary, unique = (), set()
    by_name = {}
    for name, non_unique, column in database.execute_sql(
        "SELECT index_name, non_unique, column_name FROM information_schema.statistics "
        "WHERE table_schema = DATABASE() AND table_name = %s ORDER BY index_name, seq_in_index",
        (table,),
    ):
        if not non_unique:
            by_name.setdefault(name, []).append(column)
    for name, members in by_name.items():
        if name == "PRIMARY":
            primary = tuple(members)
        else:
            unique.add(tuple(members))
    return primary, unique


def test_every_table_has_a_model(columns):
    assert {model._meta.table_name for model in MODELS} == set(columns) - {"schema_migration"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_column_is_as_the_model_says(model, columns):
    table = columns[model._meta.table_name]
    assert set(table) == {field.column_name for field in model._meta.sorted_fields}
    for field in model._meta.sorted_fields:
        nullable, kind, length, fraction = table[field.column_name]
        assert nullable == field.null, field
        assert kind in column_types(field), field
        if isinstance(field, peewee.CharField):
            assert length == field.max_length, field
        if isinstance(field, peewee.BinaryUUIDField):
            assert length == 16, field
        if isinstance(field, peewee.DateTimeField):
            assert fraction == 3, field


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_key_is_as_the_model_says(model, migrated):
    meta = model._meta
    declared = {(field.column_name,) for field in meta.sorted_fields if field.unique}
    for members, is_unique in meta.indexes:
        if is_unique:
            declared.add(tuple(meta.fields[member].column_name for member in members))
    primary, unique = keys(migrated, meta.table_name)
    if isinstance(meta.primary_key, peewee.CompositeKey):
        assert primary == tuple(meta.fields[name].column_name for name in meta.primary_key.field_names)
    else:
        assert primary == (meta.primary_key.column_name,)
    assert unique == declared


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_reference_is_kept_by_the_database(model, migrated):
    kept = {
        (foreign.column, foreign.dest_table, foreign.dest_column)
        for foreign in migrated.get_foreign_keys(model._meta.table_name)
    }
    assert kept == {
        (field.column_name, field.rel_model._meta.table_name, field.rel_field.column_name)
        for field in model._meta.sorted_fields
        if isinstance(field, peewee.ForeignKeyField)
    }


def test_every_table_keeps_every_script(migrated):
    tables = migrated.execute_sql(
        "SELECT table_name, engine, table_collation FROM information_schema.tables "
        "WHERE table_schema = DATABASE() AND table_name <> 'schema_migration'"
    )
    for table, engine, collation in tables:
        assert engine == "InnoDB", table
        assert collation == "utf8mb4_unicode_ci", table
