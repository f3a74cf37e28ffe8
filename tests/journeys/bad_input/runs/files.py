"""Exports that cannot be: stages that make and move files."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Run


def renders(text, **config):
    one = {"export_reference_key": "file", "file_content_template": text, **config}
    return lambda site: [{"name": "Stage", "kind": "template", "config": {"export_configs": [one]}}]


def puts(where, name="scan", **rule):
    """The original, at the store that `where` names of the receivers."""

    def stages(site):
        one = {"type": "document", "filename_template": name}
        config = {"credentials": where(site), "export_object_configurations": [one], **rule}
        return [{"name": "Stage", "kind": "file_storage", "config": config, "destination": site.there}]

    return stages


def folder(site):
    return {"type": "folder", "path": f"{site.root}/in"}


def sftp(**changes):
    return lambda site: {**site.sftp.credentials, **changes}


PURGE = (
    Run(
        "nothing to take away",
        lambda site: [{"name": "Stage", "kind": "purge", "config": {"keys": ["erp_payload"]}}],
        "",
        "",
        "nothing is attached that would be detached",
        "Nothing: it is in order.",
    ),
)

TEMPLATE = (
    Run(
        "a division by nothing",
        renders("{{ 1 / 0 }}"),
        "misconfigured",
        "config.export_configs[0] (file), line 1",
        "config.export_configs[0] (file), line 1: A number is divided by zero.",
        "Ask for it in the template first.",
    ),
    Run(
        "a value inside a missing field",
        renders("a\n{{ field.vendor.name }}"),
        "misconfigured",
        "config.export_configs[0] (file), line 2",
        'config.export_configs[0] (file), line 2: There is no "vendor" here.',
        "Correct the field's name.",
    ),
    Run(
        "a number made of letters",
        renders("{{ field.document_id + 1 }}"),
        "misconfigured",
        "config.export_configs[0] (file), line 1",
        "config.export_configs[0] (file), line 1: A text and a number meet here; every field is text. Write | int or | float after it to reckon.",
        "Write `| int`, or correct the field.",
    ),
    Run(
        "a way out of the sandbox",
        renders("{{ ''.__class__.__mro__ }}"),
        "misconfigured",
        "config.export_configs[0] (file), line 1",
        "config.export_configs[0] (file), line 1: Access to attribute '__class__' of 'str' object is unsafe. Templates read values, they do not reach into Python.",
        "Templates see fields and payload.",
    ),
    Run(
        "a loop without end",
        renders("{% for a in range(99999999) %}{% endfor %}"),
        "misconfigured",
        "config.export_configs[0] (file), line 1",
        "config.export_configs[0] (file), line 1: The range(99999999) has more than 100,000 steps.",
        "Loop over the document.",
    ),
    Run(
        "more text than fits",
        renders("{{ 'a' * 200000000 }}"),
        "misconfigured",
        "config.export_configs[0] (file), line 1",
        "config.export_configs[0] (file), line 1: 'a' * 200000000 would make 200,000,000 characters; 10,485,760 is the most.",
        "Make less of it.",
    ),
    Run(
        "a letter that the encoding lacks",
        renders("{{ field.document_id }}", content_encoding="iso-8859-1"),
        "rejected",
        "config.export_configs[0] (file), field.document_id",
        'config.export_configs[0] (file), field.document_id: iso-8859-1 cannot write the character "Ž" (U+017D), on line 1 of the output. Correct the field document_id, or choose utf-8 as the content_encoding.',
        "Correct the field, or use utf-8.",
        fields={"document_id": "INV-Ž"},
    ),
)

FILE_STORAGE = (
    Run(
        "no original",
        puts(folder),
        "rejected",
        "config.export_rules[0].export_object_configurations[0]",
        "config.export_rules[0].export_object_configurations[0]: The document has no original file to put there.",
        "Send the document with its file.",
    ),
    Run(
        "a folder that is not allowed",
        puts(lambda site: {"type": "folder", "path": "/etc/cron.d"}),
        "misconfigured",
        "config.credentials.path",
        "config.credentials.path: /etc/cron.d is not a folder that Waybill may write to: it must lie in /srv/out. The administrator allows folders by the setting WAYBILL_FOLDER_ROOTS.",
        "Use an allowed folder.",
        original=b"%PDF",
    ),
    Run(
        "a name of nothing",
        puts(folder, name="{vendor}"),
        "rejected",
        "config.export_rules[0].export_object_configurations[0].filename_template",
        "config.export_rules[0].export_object_configurations[0].filename_template: The file would have no name: vendor is empty in this document.",
        "Fill the field.",
        fields={"vendor": " "},
        original=b"%PDF",
    ),
    Run(
        "a name of a table's cell",
        puts(folder, name="{code}"),
        "misconfigured",
        "config.export_rules[0].export_object_configurations[0].filename_template",
        "config.export_rules[0].export_object_configurations[0].filename_template: {code} stands in a table, so it has no one value that could name a file.",
        "Use a field that stands once.",
        fields={"document_id": "1", "lines": [{"code": "a"}, {"code": "b"}]},
        original=b"%PDF",
    ),
    Run(
        "a name that nobody knows",
        puts(folder, name="{vendor}"),
        "misconfigured",
        "config.export_rules[0].export_object_configurations[0].filename_template",
        "config.export_rules[0].export_object_configurations[0].filename_template: {vendor} is no field of this document. Known besides its fields are annotation.id, document.external_id, document.id, document.original_file_name, queue.id.",
        "Correct the name.",
        original=b"%PDF",
    ),
    Run(
        "a way out in a value",
        puts(folder, name="{document_id}"),
        "",
        "",
        "Put at file:///srv/out/in/_.._etc_passwd.pdf",
        "Nothing: the name was cleaned.",
        fields={"document_id": "../../etc/passwd"},
        original=b"%PDF",
    ),
    Run(
        "a file that is there",
        puts(folder, name="taken"),
        "rejected",
        "",
        "/srv/out/in/taken.pdf exists already with other content. Name the file so that it is unique, or set filename_collision.replace to true.",
        "Make names unique, or replace.",
        original=b"%PDF",
    ),
    Run(
        "a wrong password",
        puts(sftp()),
        "misconfigured",
        "config.credentials.username",
        "config.credentials.username: sftp.example refused waybill: the user name or the password is wrong there.",
        "Correct the secret.",
        original=b"%PDF",
        secrets={"password": "wrong-hush"},
    ),
    Run(
        "a user that is unknown",
        puts(sftp(username="nobody")),
        "misconfigured",
        "config.credentials.username",
        "config.credentials.username: sftp.example refused nobody: the user name or the password is wrong there.",
        "Correct the user.",
        original=b"%PDF",
    ),
    Run(
        "another host key",
        puts(sftp(host_key="SHA256:" + "A" * 43)),
        "misconfigured",
        "config.credentials.host_key",
        "config.credentials.host_key: sftp.example showed another host key than the one that is pinned: ssh-ed25519 SHA256:…. Either the server got a new key (ask its owner, then pin the new one), or somebody stands in between. Nothing was sent.",
        "Ask the server's owner, then pin it.",
        original=b"%PDF",
    ),
    Run(
        "a server that is away",
        puts(lambda site: {**site.sftp.credentials, "port": site.closed}),
        "exhausted",
        "",
        "away.example cannot be reached at port 22 (127.0.0.1: connection refused). Tried 6 times.",
        "Nothing at first: it was tried again by itself. Then start the server.",
        original=b"%PDF",
    ),
)
