"""A Rossum organization as its API tells it, written for these tests: two queues, and the published chain of an ERP.

Two templating hooks, each for its own queue, then create → extract → (attach → extract ∥ backlink → extract) → submit →
extract → evaluate, which also waits for a hook that is not active."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

BASE = "https://acme.rossum.app/api/v1"
EXPORT = "annotation_content.export"
EVALUATOR = """from txscript import TxScript


def rossum_hook_request_handler(payload: dict) -> dict:
    t = TxScript.from_payload(payload)
    if eval(payload["settings"]["condition"], {"r": t}):
        t.show_error("The ERP did not book it.")
    return t.hook_response()
"""


def url(kind: str, number: int) -> str:
    return f"{BASE}/{kind}/{number}"


def hook(
    number: int,
    name: str,
    settings: dict[str, Any],
    *,
    extension: str = "",
    queues: tuple[int, ...] = (205, 206),
    after: tuple[int, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    config = {"url": f"https://elis.{extension}.rossum-ext.app/", "secret": None, "timeout_s": 30, "retry_count": 4}
    return {
        "id": number,
        "type": "webhook",
        "url": url("hooks", number),
        "name": name,
        "queues": [url("queues", one) for one in queues],
        "run_after": [url("hooks", one) for one in after],
        "sideload": ["schemas"],
        "active": True,
        "events": [EXPORT],
        "settings": settings,
        "token_owner": url("users", 9),
        **more,
        "config": {**config, **more.get("config", {})},
    }


def template(key: str = "erp_payload") -> dict[str, Any]:
    return {"export_configs": [{"export_reference_key": key, "file_content_template": "{{ field.document_id }}"}]}


def call(name: str, gate: str = "", **more: Any) -> dict[str, Any]:
    return {
        "export_reference_key": "erp_payload",
        "auth": {
            "url": "https://erp.example/token",
            "method": "POST",
            "data": {"client_id": "{secret.client_id}", "client_secret": "{secret.client_secret}"},
        },
        "request": {"url": f"https://erp.example/{name}", "method": "POST", "content": "#{file_content}"},
        "response_headers_reference_key": f"{name}_headers",
        **({"condition": f"@{{{gate}}}"} if gate else {}),
        **more,
    }


def extract(name: str, target: str) -> dict[str, Any]:
    rule = {"value_path": "status_code", "target_schema_id": target}
    return {"extract": [{"format": "json", "source_reference_key": f"{name}_headers", "extract_rules": [rule]}]}


ONCE = {"config": {"timeout_s": 60, "retry_count": 0}}


def hooks() -> list[dict[str, Any]]:
    rest, value = {"extension": "rest-api-export", **ONCE}, {"extension": "data-value-extractor"}
    judge = {"condition": "r.field.api1_status_code != '201'"}
    return [
        hook(610, "Purge", {}, extension="custom-format-templating-purge", events=[EXPORT, "annotation_status.changed"]),
        hook(611, "Render DE", template(), extension="custom-format-templating", queues=(205,), after=(610,)),
        hook(612, "Render FR", template(), extension="custom-format-templating", queues=(206,), after=(610,)),
        hook(613, "Create", call("create"), after=(611, 612), **rest),
        hook(614, "Read create", extract("create", "api1_status_code"), after=(613,), **value),
        hook(615, "Attach", call("attach", "api2_gate"), after=(614,), **rest),
        hook(616, "Read attach", extract("attach", "api2_status_code"), after=(615,), **value),
        hook(617, "Backlink", call("backlink"), after=(614,), **rest),
        hook(618, "Read backlink", extract("backlink", "api3_status_code"), after=(617,), **value),
        hook(619, "Submit", call("submit"), after=(616, 618), **rest),
        hook(620, "Read submit", extract("submit", "api4_status_code"), after=(619,), **value),
        hook(
            621, "Old call", call("old"), extension="rest-api-export", after=(620,), active=False,
            config={"timeout_s": 60, "retry_count": 0},
        ),
        hook(
            622, "Judge", judge, after=(620, 621), type="function",
            config={"url": None, "runtime": "python3.12", "code": EVALUATOR, "timeout_s": 360},
        ),
        hook(630, "Check totals", {}, type="function", events=["annotation_content.user_update"],
             config={"url": None, "code": "def rossum_hook_request_handler(payload): return {}"}),
    ]  # fmt: skip


def schema(number: int = 301, **formulas: str) -> dict[str, Any]:
    ids = ("document_id", "vendor", *(f"api{n}_status_code" for n in (1, 2, 3, 4)), "api2_gate")
    children = [
        {"category": "datapoint", "id": name, "type": "string", "label": name, **({"formula": formulas[name]} if name in formulas else {})}
        for name in ids
    ]  # fmt: skip
    content = [{"category": "section", "id": "header", "label": "Header", "children": children}]
    return {"id": number, "url": url("schemas", number), "name": "Invoices", "content": content, "queues": []}


def queue(number: int, name: str, **more: Any) -> dict[str, Any]:
    return {
        "id": number, "url": url("queues", number), "name": name, "workspace": url("workspaces", 12),
        "schema": url("schemas", 301), "hooks": [], "use_confirmed_state": True, **more,
    }  # fmt: skip


def queues() -> list[dict[str, Any]]:
    return [queue(205, "Invoices DE"), queue(206, "Invoices FR", use_confirmed_state=False)]


def listed(results: list[dict[str, Any]]) -> dict[str, Any]:
    """As a list of the API."""
    return {"pagination": {"total": len(results), "total_pages": 1, "next": None, "previous": None}, "results": results}


def write(folder: Path) -> Path:
    """As the deployment manager writes it: code and formulas in files of their own."""
    base = folder / "acme" / "production"
    for one in hooks():
        code = one["config"].pop("code", None)
        path = base / "hooks" / f"{one['name']}_[{one['id']}].json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(one))
        if code:
            path.with_suffix(".py").write_text(code)
    for one in queues():
        path = base / "workspaces" / "AP_[12]" / "queues" / f"{one['name']}_[{one['id']}]"
        (path / "formulas").mkdir(parents=True)
        (path / "queue.json").write_text(json.dumps(one))
        (path / "schema.json").write_text(json.dumps(schema()))
        (path / "inbox.json").write_text(json.dumps({"id": 1, "url": url("inboxes", 1), "email": "x@acme.example"}))
        (path / "formulas" / "api2_gate.py").write_text("'yes' if field.api1_status_code == '201' else ''\n")
    (base / "workspaces" / "AP_[12]" / "workspace.json").write_text(
        json.dumps({"id": 12, "url": url("workspaces", 12)})
    )
    (base / "organization.json").write_text(json.dumps({"id": 1, "url": url("organizations", 1), "name": "Acme"}))
    return folder
