"""The chain that is measured: template → rest_api → extract → evaluate → file_storage (a folder)."""

from __future__ import annotations

import json

TEMPLATE = """{
  "number": {{ field.document_id|tojson }},
  "supplier": {{ field.sender_name|tojson }},
  "total": {{ field.amount_total|tojson }},
  "lines": [{% for line in field.line_items %}
    {"text": {{ line.item_description|tojson }}, "amount": {{ line.item_amount|tojson }}}{% if not loop.last %},{% endif %}{% endfor %}
  ]
}"""


def fields(number: int) -> dict:
    return {
        "document_id": f"B-{number:06}",
        "sender_name": "Lantern & Sons Paper Co.",
        "amount_total": f"{number % 900 + 100}.50",
        "status_code": "",
        "erp_id": "",
        "line_items": [
            {"item_description": f"Paper, ream {line}", "item_amount": f"{line + 1}.25"} for line in range(5)
        ],
    }


def stages(url: str, outbox: str) -> list[dict]:
    return [
        {
            "name": "render", "kind": "template", "config": {"export_configs": [
                {"export_reference_key": "order", "file_content_template": TEMPLATE}]},
        },
        {
            "name": "send", "kind": "rest_api", "config": {
                "export_reference_key": "order",
                "request": {"url": url, "method": "POST", "headers": {"Content-Type": "application/json"},
                            "content": "#{file_content}"},
                "response_headers_reference_key": "reply_headers",
                "response_payload_reference_key": "reply_payload"},
        },
        {
            "name": "read", "kind": "extract", "config": {"extract": [
                {"format": "json", "source_reference_key": "reply_headers",
                 "extract_rules": [{"value_path": "status_code", "target_schema_id": "status_code"}]},
                {"format": "json", "source_reference_key": "reply_payload",
                 "extract_rules": [{"value_path": "id", "target_schema_id": "erp_id"}]}]},
        },
        {"name": "judge", "kind": "evaluate", "config": {"condition": "r.field.status_code != '201'"}},
        {
            "name": "file", "kind": "file_storage", "config": {
                "credentials": {"type": "folder", "path": outbox},
                "export_rules": [{"path_to_directory": "in", "export_object_configurations": [
                    {"type": "custom_format", "export_reference_key": "order",
                     "filename_template": "{document.id}.json"}]}]},
        },
    ]  # fmt: skip


def shown() -> str:
    return " → ".join(stage["kind"] for stage in stages("", "")) + f" ({len(json.dumps(fields(1)))} bytes of fields)"
