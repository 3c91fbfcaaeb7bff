"""The archive's files, read by this program and by another."""

from uuid import uuid4

from pyarrow import BufferReader
from pyarrow import parquet as arrow

from sidecars.archive import parquet
from sidecars.archive.rows import SendRow

# Each column at its least and at its most, as MySQL can hold them.
LEAST = SendRow(1, 1, 1, 0, uuid4(), 1, 0, 0, 0, 0, 0)
MOST = SendRow(
    2**32 - 1, 2**64 - 1, 2**32 - 1, 2**32 - 1, uuid4(), 9, 255, 255, 2**16 - 1, 2**32 - 1, 2**32 - 1
)


def test_every_value_that_mysql_can_hold_comes_back():
    assert parquet.decode(parquet.encode([LEAST, MOST])) == [LEAST, MOST]


def test_the_same_rows_make_the_same_file():
    assert parquet.encode([LEAST, MOST]) == parquet.encode([LEAST, MOST])


def test_single_rows_are_found_by_message_id():
    file = parquet.encode([LEAST, MOST])

    assert parquet.decode(file, [MOST.message_id, uuid4()]) == [MOST]
    assert parquet.decode(file, [uuid4()]) == []


def test_other_programs_see_the_columns_of_the_table_and_uuids():
    table = arrow.read_table(BufferReader(parquet.encode([LEAST])))

    assert tuple(table.column_names) == SendRow._fields
    assert table.to_pylist() == [LEAST._asdict()]
