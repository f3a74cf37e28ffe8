"""Draws the demo invoices' originals and their index: `python -m demo.write_invoices`.

The captured fields (demo/invoices/*.json) are written by hand; each PDF is drawn from its fields, the same bytes every
time. Letters outside Latin-1 need DejaVu Sans (Debian: fonts-dejavu-core); only the letters used are embedded.
"""

from __future__ import annotations

import hashlib
import json
import string
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "invoices"
DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")
TITLES = {"tax_invoice": "INVOICE", "credit_note": "CREDIT NOTE"}
COLUMNS = [
    ("Item", "item_code", 24, "L"),
    ("Description", "item_description", 78, "L"),
    ("Quantity", "item_quantity", 20, "R"),
    ("Unit", "item_uom", 16, "L"),
    ("Price", "item_amount", 24, "R"),
    ("Amount", "item_amount_total", 28, "R"),
]
"""Title, field, width in millimetres, alignment."""


def is_plain(fields: dict[str, Any]) -> bool:
    """Whether the fonts that every PDF reader has can write it."""
    try:
        json.dumps(fields, ensure_ascii=False).translate(SUBSTITUTES).encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True


SUBSTITUTES = str.maketrans({"’": "'", "“": '"', "”": '"', "„": '"', "–": "-", "→": "-"})
"""Typographic signs outside Latin-1 that an invoice may print plainly."""


def draw(fields: dict[str, Any]) -> bytes:
    """One invoice as a PDF, on as many pages as its lines need."""
    from fpdf import FPDF

    pdf = FPDF(format="A4")
    pdf.set_creation_date(datetime(2025, 4, 1, tzinfo=UTC))  # a clock in the file would change its bytes every day
    pdf.set_producer("Waybill demo")
    pdf.set_title(fields["document_id"])
    pdf.set_auto_page_break(auto=True, margin=20)
    font = "Helvetica"
    if not is_plain(fields):
        font = "DejaVu"
        with tempfile.TemporaryDirectory() as folder:
            pdf.add_font(font, fname=_letters_only(json.dumps(fields, ensure_ascii=False), Path(folder)))
    pdf.add_page()

    def line(text: str, *, size: float = 10, height: float = 5, align: str = "L") -> None:
        pdf.set_font(font, size=size)
        written = text if font == "DejaVu" else text.translate(SUBSTITUTES)
        pdf.multi_cell(0, height, written, align=align, new_x="LMARGIN", new_y="NEXT")

    line(fields["sender_name"] or " ", size=15, height=8)
    if fields["sender_vat_id"]:
        line(f"VAT {fields['sender_vat_id']}", size=9)
    pdf.ln(8)
    line(f"To: {fields['recipient_name']}   {fields['recipient_vat_id']}".strip())
    pdf.ln(4)
    line(f"{TITLES[fields['document_type']]} {fields['document_id']}", size=18, height=10)
    facts = [("Date", "date_issue"), ("Due", "date_due"), ("Order", "order_id"), ("IBAN", "iban")]
    line("   ".join(f"{title}: {fields[name]}" for title, name in facts if fields[name]))
    pdf.ln(5)
    if fields["line_items"]:
        _table(pdf, font, fields["line_items"])
    currency = fields["currency"].upper()
    for title, name in (("Net", "amount_total_base"), ("Tax", "amount_total_tax"), ("Total", "amount_total")):
        if fields[name]:
            line(f"{title}  {fields[name]} {currency}", size=12 if name == "amount_total" else 10, height=6, align="R")
    pdf.ln(6)
    if fields["notes"]:
        line(fields["notes"], size=9)
    return bytes(pdf.output())


def _letters_only(text: str, folder: Path) -> Path:
    """DejaVu Sans with nothing but the letters of `text`: no hints, no layout tables; a tenth of the size."""
    from fontTools import subset

    options = subset.Options(hinting=False, layout_features=[], name_IDs=[1, 2, 4, 6], notdef_outline=False)
    font = subset.load_font(str(DEJAVU), options)
    options.drop_tables += ["FFTM"]
    subsetter = subset.Subsetter(options)
    subsetter.populate(text=text + string.ascii_letters + string.digits)
    subsetter.subset(font)
    subset.save_font(font, str(folder / "DejaVuSans.ttf"), options)
    return folder / "DejaVuSans.ttf"


def _table(pdf: Any, font: str, rows: list[dict[str, str]]) -> None:
    pdf.set_font(font, size=9)

    def row(texts: list[str], border: str) -> None:
        for text, (_title, _field, width, align) in zip(texts, COLUMNS, strict=True):
            written = text if font == "DejaVu" else text.translate(SUBSTITUTES)
            pdf.cell(width, 6, written, border=border, align=align)
        pdf.ln()

    row([title for title, *_ in COLUMNS], "B")
    for item in rows:
        row([item[field] for _title, field, *_ in COLUMNS], "")
    pdf.ln(3)


def index(folder: Path) -> list[dict[str, str]]:
    """The rows of index.json, for the originals as they lie in the folder."""
    rows = []
    for fields in sorted(folder.glob("*.json")):
        if fields.name == "index.json":
            continue
        original = fields.with_suffix(".pdf")
        rows.append(
            {
                "name": fields.stem,
                "original": original.name,
                "fields": fields.name,
                "media_type": "application/pdf",
                "sha256": hashlib.sha256(original.read_bytes()).hexdigest(),
            }
        )
    return rows  # fmt: skip


def main() -> int:
    for fields in sorted(FOLDER.glob("*.json")):
        if fields.name != "index.json":
            fields.with_suffix(".pdf").write_bytes(draw(json.loads(fields.read_text())))
    (FOLDER / "index.json").write_text(json.dumps(index(FOLDER), indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
