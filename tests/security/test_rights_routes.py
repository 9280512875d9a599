"""Rights over HTTP: the file, the receipt, the audit."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile

import pytest

from central.privacy.packing import page
from contract.signing import canonical_json
from tests.security.world import ANNA, PERSON_MARK, World, live

pytestmark = pytest.mark.parametrize("migrated_url", ["sqlite"], indirect=True)


async def test_an_administrator_exports_erases_and_keeps_the_receipt(world: World) -> None:
    await live(world)
    admin, manager, nobody = (
        await world.staff("admin", None),
        await world.staff("manager", "shop"),
        await world.client(),
    )
    assert (await manager.get("/api/v1/customers/c1/export")).status_code == 403
    packed = await admin.get("/api/v1/customers/c1/export", params={"as": "zip"})
    with zipfile.ZipFile(io.BytesIO(packed.content)) as archive:
        whole, readable = json.loads(archive.read("export.json")), archive.read("export.html").decode()
    assert f"{PERSON_MARK} pinches" in json.dumps(whole)
    assert f"{PERSON_MARK} pinches" in readable
    seen = (await admin.get("/api/v1/audit", params={"store": "shop", "customer": "c1"})).json()
    assert (seen[0]["place"], seen[0]["customer"]) == ("export", "c1")
    receipt = (await admin.post("/api/v1/customers/c1/erase")).json()
    assert (receipt["state"], receipt["rows"]["opinions"]) == ("done", 1)
    assert (await admin.post("/api/v1/customers/c1/erase")).status_code == 404
    public = (await nobody.get(f"/api/v1/erasures/{receipt['number']}")).json()
    assert public == receipt
    said = canonical_json({name: value for name, value in public.items() if name not in {"sha256", "signature"}})
    assert hashlib.sha256(said).hexdigest() == public["sha256"]
    world.runtime.keys.signing.public_key().verify(base64.b64decode(public["signature"]), said)
    assert (await nobody.get("/api/v1/erasures/" + "0" * 32)).status_code == 404
    seen = (await admin.get("/api/v1/audit", params={"store": "shop"})).json()
    assert {line["customer"] for line in seen} == {None}
    assert (await admin.get("/api/v1/audit/chains")).json() == {"consents": None, "reads": None}
    assert ANNA not in json.dumps(seen)


async def test_what_people_wrote_is_text_on_the_page_to_read(world: World) -> None:
    assert "<script" not in page({"made_at": "now", "tables": {"opinions": [{"content": {"note": "<script>x"}}]}})
