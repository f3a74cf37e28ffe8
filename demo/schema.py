"""The schema of the demo's queues: what an invoice has, and what its export writes into it."""

from __future__ import annotations

from typing import Any

Section = dict[str, Any]


def _field(name: str, label: str, kind: str = "string", **more: Any) -> dict[str, Any]:
    return {"category": "datapoint", "id": name, "label": label, "type": kind, **more}


def _section(name: str, label: str, *children: dict[str, Any]) -> Section:
    return {"category": "section", "id": name, "label": label, "children": list(children)}


def _written(name: str, label: str) -> dict[str, Any]:
    """A field that an extract stage fills; people do not edit it."""
    return _field(name, label, ui_configuration={"type": "data", "edit": "disabled"})


def _formula(name: str, label: str, formula: str) -> dict[str, Any]:
    return _field(name, label, formula=formula, ui_configuration={"type": "formula", "edit": "disabled"})


INVOICE = [
    _section(
        "invoice",
        "Invoice",
        _field("document_id", "Number"),
        _field("document_type", "Kind"),
        _field("order_id", "Order"),
        _field("date_issue", "Issued", "date", format="YYYY-MM-DD"),
        _field("date_due", "Due", "date", format="YYYY-MM-DD"),
        _field("notes", "Notes"),
    ),
    _section(
        "parties",
        "Parties",
        _field("sender_name", "Supplier"),
        _field("sender_vat_id", "Supplier's VAT id"),
        _field("recipient_name", "Buyer"),
        _field("recipient_vat_id", "Buyer's VAT id"),
        _field("iban", "IBAN"),
    ),
    _section(
        "totals",
        "Totals",
        _field("currency", "Currency"),
        _field("amount_total_base", "Net", "number"),
        _field("amount_total_tax", "Tax", "number"),
        _field("amount_total", "Total", "number"),
        _field("amount_due", "Due", "number"),
    ),
    _section(
        "lines",
        "Lines",
        {
            "category": "multivalue",
            "id": "line_items",
            "label": "Lines",
            "children": {
                "category": "tuple",
                "id": "line_item",
                "label": "Line",
                "children": [
                    _field("item_code", "Code"),
                    _field("item_description", "Description"),
                    _field("item_quantity", "Quantity", "number"),
                    _field("item_uom", "Unit"),
                    _field("item_amount", "Price", "number"),
                    _field("item_amount_total", "Amount", "number"),
                    _field("item_rate", "Tax rate", "number"),
                ],
            },
        },
    ),
]
"""What is captured."""

EXPORT = _section(
    "export",
    "Export",
    _written("api1_status_code", "Create draft: status"),
    _written("erp_id", "Id in the ERP"),
    _written("erp_location", "Address in the ERP"),
    _formula("api2_gate", "Attach and link only a booked draft", "'yes' if field.erp_id != '' else ''"),
    _written("api2_status_code", "Attach original: status"),
    _written("erp_attachment", "Attachment in the ERP"),
    _formula("api4_gate", "Submit only what has its original", "'yes' if field.api2_status_code == '201' else ''"),
    _written("api4_status_code", "Submit: status"),
    _written("erp_status", "State in the ERP"),
    _formula("file_gate", "Upload only what is submitted", "'yes' if field.erp_status == 'submitted' else ''"),
)
"""What the complex pipeline writes; api1, api2, api4 count its calls as the stages do."""

TAKEN = _section(
    "export",
    "Export",
    _written("api1_status_code", "Intake: status"),
    _written("erp_id", "Id in the ERP"),
    _written("erp_status", "State in the ERP"),
)
"""What the simple API pipeline writes."""

SCHEMAS: dict[str, list[Section]] = {
    "Simple SFTP": INVOICE,
    "Simple API": [*INVOICE, TAKEN],
    "Complex API": [*INVOICE, EXPORT],
}
"""By the queue's name."""
