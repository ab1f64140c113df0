"""Events out of databases, by SQLAlchemy or a DuckDB file: read only, no secrets told."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from cjlib.definitions import EventSource
from cjlib.errors import ColumnError, MissingSourceError, UnsafeFileError, nearest
from cjlib.validation import hide_passwords

CALLER: Final = "read_interactions"
NO_SELECT: Final = re.compile(
    r"(?is)\b(insert|update|delete|merge|create|alter|drop|truncate|grant|revoke|copy|call|do|"
    r"attach|detach|install|load|pragma|set|reset|vacuum|export|import|lock|listen|notify|"
    r"into|execute|prepare)\b"
)


def write_query(source: EventSource, known: list[str] | None = None) -> str:
    """Return the SELECT that reads a source: its query, checked, or its table whole.

    Raises
    ------
    UnsafeFileError
        If the query is anything but one SELECT.
    """
    if source.table:
        if known is not None and source.table not in known:
            hint = nearest(source.table, known)
            raise MissingSourceError(
                f"{CALLER}: table must be one of the database's; there is no {source.table!r}."
                + (f" Did you mean {hint!r}?" if hint else f" It has {', '.join(known[:20])}.")
            )
        parts = (part.replace('"', '""') for part in source.table.split("."))
        return "SELECT * FROM " + ".".join(f'"{part}"' for part in parts)
    query = source.query.strip().rstrip(";").strip()
    bare = re.sub(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"", "''", query)  # words in quotes are data
    bad = ";" in bare or "--" in bare or "/*" in bare or "$$" in bare or NO_SELECT.search(bare)
    if bad or not re.match(r"(?is)\s*(select|with)\b", bare):
        found = NO_SELECT.search(bare)
        what = f"it has {found[0].upper()}" if found else "it is not"
        raise UnsafeFileError(
            f"{CALLER}: a query must be one SELECT without comments; {what}. Write "
            "'SELECT ... FROM ...', or name a table."
        )
    return query


def address(source: EventSource) -> str:
    """Return a source's URL from study.yaml or the environment variable it names."""
    if source.url:
        return source.url
    found = os.environ.get(source.url_from, "")
    if not found:
        raise MissingSourceError(
            f"{CALLER}: the environment variable {source.url_from} must hold the database's "
            "address; it is not set. Set it where the notebook is started."
        )
    return found


def read_server(source: EventSource, *, rows: int) -> Iterator[pa.Table]:
    """Read a database by its URL, ``rows`` at a time, in a transaction that is rolled back.

    Rows come as the database gives them, without an order unless the query names one.

    Raises
    ------
    MissingSourceError
        If there is no such table, or the server cannot be reached; the message never holds
        the address or its password.
    """
    import sqlalchemy as sa

    url = address(source)
    try:
        engine = sa.create_engine(url, poolclass=sa.pool.NullPool, hide_parameters=True)
    except (sa.exc.ArgumentError, sa.exc.NoSuchModuleError, ImportError, ValueError) as error:
        raise MissingSourceError(
            f"{CALLER}: {source.shown}: url must be an address that SQLAlchemy knows "
            f"({type(error).__name__}). Write postgresql+psycopg://name@host/database."
        ) from None
    try:
        with engine.connect() as connection:
            if engine.dialect.name == "postgresql":
                connection.execute(sa.text("SET TRANSACTION READ ONLY"))
            known = None
            if source.table and "." not in source.table:
                inspector = sa.inspect(connection)
                known = [*inspector.get_table_names(), *inspector.get_view_names()]
            query = write_query(source, known)
            streaming = connection.execution_options(stream_results=True, max_row_buffer=rows)
            result = streaming.exec_driver_sql(query)
            names = list(result.keys())
            empty = True
            while batch := result.fetchmany(rows):
                empty = False
                yield _as_table(names, batch)
            if empty:
                yield pa.table({name: pa.array([], type=pa.large_string()) for name in names})
            connection.rollback()
    except sa.exc.SQLAlchemyError as error:
        reason = hide_passwords(str(getattr(error, "orig", None) or type(error).__name__))
        secret = engine.url.password
        reason = reason.replace(str(secret), "***") if secret else reason
        raise MissingSourceError(
            f"{CALLER}: {source.shown} must be readable; {reason.strip().splitlines()[0]}. "
            "Check the address, the name and the query."
        ) from None
    finally:
        engine.dispose()


def _as_table(names: list[str], rows: Any) -> pa.Table:
    columns = list(zip(*rows, strict=True))
    made = {}
    for name, column in zip(names, columns, strict=True):
        try:
            made[str(name)] = pa.array(column)
        except (
            pa.ArrowInvalid,
            pa.ArrowTypeError,
        ):  # times of several offsets, numbers of all sorts
            made[str(name)] = pa.array([None if v is None else str(v) for v in column])
    return pa.table(made)


def read_duckdb(path: Path, source: EventSource, *, rows: int) -> Iterator[pa.Table]:
    """Read a table or query of a DuckDB file, ``rows`` at a time.

    The file is opened read-only, nothing outside it can be reached, and no extension is
    fetched.

    Raises
    ------
    ColumnError
        If it is no DuckDB file, or the query fails.
    """
    import duckdb

    options: dict[str, Any] = {
        "autoinstall_known_extensions": "false", "autoload_known_extensions": "false",
        "enable_external_access": "false", "preserve_insertion_order": "true",
    }  # fmt: skip
    try:
        with duckdb.connect(str(path), read_only=True, config=options) as connection:
            found = connection.execute("SELECT table_name FROM information_schema.tables")
            known = sorted(name for (name,) in found.fetchall())
            if not source.table and not source.query:
                raise MissingSourceError(
                    f"{CALLER}: {source.shown} must come with a table or a query; it has "
                    f"{', '.join(known) or 'no table'}. Add 'table' to the source."
                )
            query = write_query(source, known if "." not in source.table else None)
            reader: Any = connection.sql(query).to_arrow_reader(rows)
            empty = True
            for batch in reader:
                empty = False
                yield pa.Table.from_batches([batch])
            if empty:
                yield reader.schema.empty_table()
    except duckdb.Error as error:
        raise ColumnError(
            f"{CALLER}: {source.shown} must be a DuckDB file and its query valid; "
            f"{str(error).splitlines()[0]}. Check the file, the table and the query."
        ) from None
