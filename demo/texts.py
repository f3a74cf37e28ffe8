"""The demo's templates, as a person would type them: the CSV file, the ERP's draft, the link back and the XML file."""

CSV = """\
{%- macro cell(text) -%}"{{ text|replace('"', '""') }}"{%- endmacro -%}
external_id,number,supplier,currency,issued_on,total,code,description,quantity,amount
{% for item in field.line_items or [{}] -%}
{{ cell(payload.document.external_id) }},{{ cell(field.document_id) }},{{ cell(field.sender_name) }},\
{{ cell(field.currency|upper) }},{{ field.date_issue }},{{ field.amount_total }},\
{{ cell(item.item_code|default("")) }},{{ cell(item.item_description|default("")) }},\
{{ item.item_quantity|default("") }},{{ item.item_amount_total|default("") }}
{% endfor -%}
"""

DRAFT = """\
{
  "external_id": {{ payload.document.external_id|tojson }},
  "number": {{ field.document_id|tojson }},
  "kind": {{ field.document_type|tojson }},
  "supplier": {"name": {{ field.sender_name|tojson }}, "vat_id": {{ field.sender_vat_id|tojson }}},
  "buyer": {"name": {{ field.recipient_name|tojson }}, "vat_id": {{ field.recipient_vat_id|tojson }}},
  "currency": {{ field.currency|upper|tojson }},
  "issued_on": {{ field.date_issue|tojson }},
  "due_on": {{ field.date_due|tojson }},
  "total": {{ field.amount_total|tojson }},
  "lines": [
  {%- for item in field.line_items %}
    {"code": {{ item.item_code|tojson }}, "description": {{ item.item_description|tojson }}, \
"quantity": {{ item.item_quantity|tojson }}, "price": {{ item.item_amount|tojson }}, \
"amount": {{ item.item_amount_total|tojson }}}{{ "," if not loop.last }}
  {%- endfor %}
  ]
}"""

XML = """\
<?xml version="1.0" encoding="UTF-8"?>
<invoice id="{{ payload.document.external_id|e }}" file="{{ payload.document.original_file_name|e }}">
  <number>{{ field.document_id|e }}</number>
  <supplier vat="{{ field.sender_vat_id|e }}">{{ field.sender_name|e }}</supplier>
  <issued>{{ field.date_issue|e }}</issued>
  <total currency="{{ field.currency|upper|e }}">{{ field.amount_total|e }}</total>
  {%- for item in field.line_items %}
  <line quantity="{{ item.item_quantity|e }}" amount="{{ item.item_amount_total|e }}">\
{{ item.item_description|e }}</line>
  {%- endfor %}
</invoice>"""

LINK = '{"url": {{ (payload.base_url ~ "/admin/exports/document/" ~ payload.document.id ~ "/change/")|tojson }}}'
