"""The demo's three pipelines as a person would type them, in the style of the documents they come from.

Only addresses are put in: `{erp}` of the pretend ERP. Rows and publication live in `demo/pipelines.py`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from demo.texts import CSV, DRAFT, LINK, XML

ERP = "Pretend ERP"
SFTP = "SFTP server"


DESCRIPTIONS = {
    "Simple SFTP": "Render a CSV file and put it at the SFTP server, the original beside it.",
    "Simple API": "Render a CSV file, send it to the ERP's intake, read the answer and judge it.",
    "Complex API": "Create a draft in the ERP, attach the original, link back, submit; then a file by SFTP.",
}


@dataclass(frozen=True, slots=True)
class StageText:
    """One stage of a draft."""

    name: str
    kind: str
    config: Any
    run_after: tuple[str, ...] = ()
    destination: str = ""
    """The name of one, or nothing."""

    @property
    def text(self) -> str:
        return json.dumps(self.config, indent=2, ensure_ascii=False)


def template(**templates: str) -> dict[str, Any]:
    """One config a key; a multiline template is a list of lines, as editors of JSON need it."""
    return {
        "export_configs": [
            {
                "export_reference_key": key,
                "content_encoding": "utf-8",
                "file_content_template_multiline": text.split("\n"),
            }
            for key, text in templates.items()
        ]
    }


def extract(headers: str, payload: str, **targets: str) -> dict[str, Any]:
    """The status code into the first target from the reply's headers, the others from its payload."""
    (code, code_path), *rest = targets.items()
    return {
        "extract": [
            {
                "format": "json",
                "source_reference_key": headers,
                "extract_rules": [{"value_path": code_path, "target_schema_id": code}],
            },
            {
                "format": "json",
                "source_reference_key": payload,
                "extract_rules": [{"value_path": path, "target_schema_id": name} for name, path in rest],
            },
        ]
    }


def reply_check(call: str, status_field: str, payload: str, **more: Any) -> dict[str, Any]:
    """Looks into a call's reply whatever its status: this ERP also puts errors into an answer of 200."""
    return {
        "call": call,
        "status_code_field": status_field,
        "payload_reference_key": payload,
        "errors_path": "errors.request",
        "failed_from": 0,
        **more,
    }


def simple_sftp() -> list[StageText]:
    """Template, then SFTP: the rendered file and the original beside it."""
    upload = {
        "export_rules": [
            {
                "path_to_directory": "/simple",
                "export_object_configurations": [
                    {
                        "type": "custom_format",
                        "export_reference_key": "invoice_csv",
                        "filename_template": "invoice-{annotation.id}.csv",
                    },
                    {"type": "document", "filename_template": "invoice-{annotation.id}"},
                ],
            }
        ]
    }
    return [
        StageText("Render CSV", "template", template(invoice_csv=CSV)),
        StageText("Upload", "file_storage", upload, ("Render CSV",), SFTP),
    ]


def simple_api(erp: str) -> list[StageText]:
    """Purge, template, one request, extract, evaluate."""
    request = {
        "export_reference_key": "invoice_csv",
        "request": {
            "url": f"{erp}/api/csv",
            "method": "POST",
            "headers": {"Content-Type": "text/csv; charset=utf-8", "Authorization": "Bearer {secret.api_key}"},
            "content": "#{file_content}",
        },
        "response_headers_reference_key": "intake_reply_headers",
        "response_payload_reference_key": "intake_reply_payload",
    }
    reply = extract(
        "intake_reply_headers", "intake_reply_payload", api1_status_code="status_code", erp_id="id", erp_status="status"
    )
    judge = {"replies": [reply_check("Intake", "api1_status_code", "intake_reply_payload", required=True)]}
    return [
        StageText("Purge", "purge", {}),
        StageText("Render CSV", "template", template(invoice_csv=CSV), ("Purge",)),
        StageText("Send to the intake", "rest_api", request, ("Render CSV",), ERP),
        StageText("Read the reply", "extract", reply, ("Send to the intake",)),
        StageText("Judge", "evaluate", judge, ("Read the reply",)),
    ]


def complex_api(erp: str) -> list[StageText]:
    """Purge → two templates → create draft → extract → { attach → extract ∥ link back } → submit → extract →
    evaluate → SFTP."""
    auth = {
        "url": f"{erp}/oauth/token",
        "method": "POST",
        "headers": {"Content-Type": "application/x-www-form-urlencoded"},
        "data": {
            "grant_type": "client_credentials",
            "client_id": "{secret.client_id}",
            "client_secret": "{secret.client_secret}",
            "scope": "invoice.create invoice.read",
        },
    }
    create = {
        "export_reference_key": "erp_draft",
        "auth": auth,
        "request": {
            "url": f"{erp}/api/invoices",
            "method": "POST",
            "headers": {"Content-Type": "application/json"},
            "content": "#{file_content}",
        },
        "response_headers_reference_key": "api1_reply_headers",
        "response_payload_reference_key": "api1_reply_payload",
    }
    attach = {
        "condition": "@{api2_gate}",
        "auth": auth,
        "request": {
            "url": f"{erp}/api/invoices/@{{erp_id}}/attachments",
            "method": "POST",
            "file_key": "file",
            "file_content": "#{original_file}",
            "request_data": {"kind": "original", "number": "@{document_id}"},
        },
        "response_headers_reference_key": "api2_reply_headers",
        "response_payload_reference_key": "api2_reply_payload",
    }
    link = {
        "condition": "@{api2_gate}",
        "export_reference_key": "erp_link",
        "auth": auth,
        "request": {
            "url": f"{erp}/api/invoices/@{{erp_id}}/links",
            "method": "POST",
            "headers": {"Content-Type": "application/json"},
            "content": "#{file_content}",
        },
        "response_headers_reference_key": "api3_reply_headers",
        "response_payload_reference_key": "api3_reply_payload",
    }
    submit = {
        "condition": "@{api4_gate}",
        "auth": auth,
        "request": {"url": f"{erp}/api/invoices/@{{erp_id}}/submit", "method": "POST"},
        "response_headers_reference_key": "api4_reply_headers",
        "response_payload_reference_key": "api4_reply_payload",
    }
    created = extract("api1_reply_headers", "api1_reply_payload", api1_status_code="status_code", erp_id="id")
    created["extract"][0]["extract_rules"].append(
        {"value_path": "headers.location", "target_schema_id": "erp_location"}
    )
    attached = extract(
        "api2_reply_headers", "api2_reply_payload", api2_status_code="status_code", erp_attachment="attachment"
    )
    attached["extract"][0]["condition"] = attached["extract"][1]["condition"] = "@{api2_gate}"
    submitted = extract("api4_reply_headers", "api4_reply_payload", api4_status_code="status_code", erp_status="status")
    submitted["extract"][0]["condition"] = submitted["extract"][1]["condition"] = "@{api4_gate}"
    judge = {
        "replies": [
            reply_check("Create draft", "api1_status_code", "api1_reply_payload", required=True),
            reply_check("Attach original", "api2_status_code", "api2_reply_payload"),
            reply_check("Submit", "api4_status_code", "api4_reply_payload"),
            {"call": "Link back", "headers_reference_key": "api3_reply_headers", "type": "warning"},
        ],
        "checks": [
            {
                "condition": "r.field.erp_id != '' and r.field.erp_status != 'submitted'",
                "message": "The draft @{erp_id} was booked but not submitted; it stands in the ERP as it is.",
                "field": "erp_status",
            }
        ],
    }
    upload = {
        "condition": "@{file_gate}",
        "export_rules": [
            {
                "path_to_directory": "/complex",
                "export_object_configurations": [
                    {
                        "type": "custom_format",
                        "export_reference_key": "invoice_xml",
                        "filename_template": "{erp_id}.xml",
                    }
                ],
            }
        ],
    }
    return [
        StageText("Purge", "purge", {}),
        StageText("Render draft", "template", template(erp_draft=DRAFT), ("Purge",)),
        StageText("Render link and file", "template", template(erp_link=LINK, invoice_xml=XML), ("Purge",)),
        StageText("Create draft", "rest_api", create, ("Render draft", "Render link and file"), ERP),
        StageText("Read draft", "extract", created, ("Create draft",)),
        StageText("Attach original", "rest_api", attach, ("Read draft",), ERP),
        StageText("Read attachment", "extract", attached, ("Attach original",)),
        StageText("Link back", "rest_api", link, ("Read draft",), ERP),
        StageText("Submit", "rest_api", submit, ("Read attachment", "Link back"), ERP),
        StageText("Read submission", "extract", submitted, ("Submit",)),
        StageText("Judge", "evaluate", judge, ("Read submission",)),
        StageText("Upload", "file_storage", upload, ("Judge",), SFTP),
    ]
