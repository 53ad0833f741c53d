"""LanceDB Cloud and Enterprise (`db://`), as far as a scripted endpoint goes: the real client, the key, what is read, errors.

The endpoint answers what a test needs. Whether the service itself behaves so has not been seen.
"""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from strategy_bank.server.settings import Settings
from strategy_bank.store.bank import Bank
from strategy_bank.store.embedding.embedder import Embedder
from strategy_bank.store.errors import BankUnavailable, InvalidInput
from strategy_bank.store.lance import schema
from strategy_bank.store.maintenance import migrations
from strategy_bank.store.records import Strategy

pytestmark = pytest.mark.anyio
KEY = "ldb_key"


@dataclass
class Service:
    """Holds the rows of a bank that a service would hold; `status` other than 200 is what it answers to everything."""

    address: str = ""
    status: int = 200
    rows: dict[str, Any] = field(default_factory=dict[str, Any])
    """Table to a pyarrow.Table."""
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """(key, path) of each request."""

    def answer(self, path: str, body: bytes) -> bytes:
        if path.endswith("/table/list"):
            return json.dumps({"tables": sorted(self.rows)}).encode()
        name, operation = path.removeprefix("/v1/table/").strip("/").split("/", 1)
        if operation == "describe":
            return json.dumps({"version": 1, "schema": _as_json(self.rows[name].schema), "stats": {}}).encode()
        if operation == "query":
            wanted = json.loads(body)["columns"]
            sink = pa.BufferOutputStream()
            with pa.ipc.new_file(sink, self.rows[name].select(wanted).schema) as file:
                file.write_table(self.rows[name].select(wanted))
            return sink.getvalue().to_pybytes()
        return b"3"  # count_rows


def _as_json(schema: Any) -> dict[str, Any]:
    metadata = {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()}
    fields = [{"name": f.name, "nullable": f.nullable, "type": _type(f.type)} for f in schema]
    return {"fields": fields, "metadata": metadata}


def _type(kind: Any) -> dict[str, Any]:
    if pa.types.is_fixed_size_list(kind):
        item = {"name": "item", "nullable": True, "type": {"type": "float"}}
        return {"type": "fixed_size_list", "fields": [item], "length": kind.list_size}
    return {"type": "string"}


@pytest.fixture
def service() -> Iterator[Service]:
    told = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            told.asked.append((self.headers.get("x-api-key", ""), self.path))
            reply = told.answer(self.path, body) if told.status == 200 else b'{"error": "no"}'
            self.send_response(told.status)
            kind = "application/vnd.apache.arrow.file" if "/query" in self.path else "application/json"
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply)

        do_GET = do_POST

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield told
    server.shutdown()
    server.server_close()


def settings(service: Service, home: Path) -> Settings:
    return Settings.read(
        {
            "STRATEGY_BANK_HOME": str(home),
            "STRATEGY_BANK_URI": "db://team",
            "STRATEGY_BANK_DB_API_KEY": KEY,
            "STRATEGY_BANK_DB_HOST": service.address,
        }
    )


async def test_a_bank_of_the_service_is_opened_and_read_with_the_key(service: Service, home: Path) -> None:
    stamp = Embedder(home / "models").stamp
    meta = [{"id": "format_version", "value": str(migrations.FORMAT_VERSION)}]
    service.rows = {name: schema.record_schema(kind).empty_table() for name, kind in schema.RECORDS.items()}
    service.rows["strategies"] = schema.strategies_schema(stamp).empty_table()
    service.rows["meta"] = pa.Table.from_pylist(meta, schema=schema.META_SCHEMA)
    bank = await Bank.open(settings(service, home).location)
    assert await bank.count(Strategy) == 3
    assert not await bank.maintain()  # the service keeps itself
    await bank.close()
    assert {key for key, _ in service.asked} == {KEY}
    assert [path for _, path in service.asked if "count_rows" in path] == ["/v1/table/strategies/count_rows/"]
    assert not list(home.glob("*.lock"))


async def test_a_key_that_the_service_refuses_is_a_clear_error_without_the_key(service: Service, home: Path) -> None:
    service.status = 401
    with pytest.raises(BankUnavailable, match="credentials") as told:
        await Bank.open(settings(service, home).location)
    assert "db://team" in str(told.value)
    assert KEY not in str(told.value)


def test_an_address_of_the_service_without_a_key_is_refused_at_the_start() -> None:
    with pytest.raises(InvalidInput, match="STRATEGY_BANK_DB_API_KEY"):
        Settings.read({"STRATEGY_BANK_URI": "db://team"})
