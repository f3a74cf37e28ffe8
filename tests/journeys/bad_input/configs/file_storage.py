"""Wrong configs of file storage stages."""

from __future__ import annotations

from tests.journeys.bad_input.cases import Config

SFTP = {"type": "sftp", "host": "sftp.example", "username": "waybill", "host_key": "SHA256:abc"}

ONE = {"type": "document", "filename_template": "scan"}


def files(*objects, **rule):
    folder = {"type": "folder", "path": "/srv/out"}
    return {"credentials": folder, "export_rules": [{"export_object_configurations": list(objects or [ONE]), **rule}]}


def by(**credentials):
    return {**files(), "credentials": credentials}


TABLE = (
    Config(
        "nothing",
        {},
        (("error", "config.export_rules", "This is required and is not here."),),
        "Add a rule, and a destination.",
    ),
    Config(
        "no rules",
        {**files(), "export_rules": []},
        (("error", "config.export_rules", "At least 1 must be here; there are 0."),),
        "Add a rule.",
    ),
    Config(
        "an unknown store",
        by(type="ftp", host="x"),
        (
            (
                "error",
                "config.credentials.type",
                "\"ftp\" is unknown here; known are 'sftp', 's3', 'folder'. Did you mean \"sftp\"?",
            ),
        ),
        "Choose sftp, s3 or folder.",
    ),
    Config(
        "a store of no type",
        by(host="x"),
        (("error", "config.credentials.type", "This is required and is not here: it says which form is meant."),),
        "Say the type.",
    ),
    Config(
        "a blank host",
        by(**{**SFTP, "host": ""}),
        (("error", "config.credentials.host", "This address is blank: fill it in before you publish."),),
        "Fill it in.",
    ),
    Config(
        "a port that is none",
        by(**SFTP, port=70000),
        (("error", "config.credentials.port", "This must be 65535 or less."),),
        "Write 1 to 65535.",
    ),
    Config(
        "a password in the config",
        by(**SFTP, password="hush-hush"),
        (
            (
                "error",
                "config.credentials.password",
                'This is a secret: keep it under the name "password" among the secrets, where it is sealed.',
            ),
        ),
        "Keep it as a secret, out of the config.",
    ),
    Config(
        "a host key in the wrong form",
        by(**{**SFTP, "host_key": "aa:bb:cc"}),
        (
            (
                "error",
                "config.credentials.host_key",
                "A host key is written as `ssh-ed25519 AAAA…`, or as its fingerprint `SHA256:…`.",
            ),
        ),
        "Copy the line of known_hosts.",
    ),
    Config(
        "no password and no key",
        by(**SFTP),
        (
            (
                "error",
                "config.credentials",
                'The login by sftp takes the secret "password" or "ssh_key", which is not there. Keep it at the pipeline or at the organization.',
            ),
        ),
        "Add the secret.",
    ),
    Config(
        "no keys for the bucket",
        by(type="s3", bucket_name="exports"),
        (
            (
                "error",
                "config.credentials",
                'The login by s3 takes the secret "access_key_id", which is not there. Keep it at the pipeline or at the organization.',
            ),
            (
                "error",
                "config.credentials",
                'The login by s3 takes the secret "secret_access_key", which is not there. Keep it at the pipeline or at the organization.',
            ),
        ),
        "Add both secrets.",
    ),
    Config(
        "an unknown object",
        files({"type": "pdf", "filename_template": "a"}),
        (
            (
                "error",
                "config.export_rules[0].export_object_configurations[0].type",
                "\"pdf\" is unknown here; known are 'annotation_content', 'document', 'custom_format', 'received_files'.",
            ),
        ),
        "Choose a type.",
    ),
    Config(
        "no file name",
        files({"type": "document"}),
        (
            (
                "error",
                "config.export_rules[0].export_object_configurations[0].filename_template",
                "This is required and is not here.",
            ),
        ),
        "Add one.",
    ),
    Config(
        "a folder in the file name",
        files({**ONE, "filename_template": "in/a"}),
        (
            (
                "error",
                "config.export_rules[0].export_object_configurations[0].filename_template",
                "A file name has no / in it: folders go into path_to_directory.",
            ),
        ),
        "Use path_to_directory.",
    ),
    Config(
        "an unknown field in the name",
        files({**ONE, "filename_template": "{document_idd}"}),
        (
            (
                "error",
                "config.export_rules[0].export_object_configurations[0].filename_template",
                'The schema of "Invoices" has no field "document_idd". Did you mean "document_id"?',
            ),
        ),
        "Correct it.",
    ),
    Config(
        "a brace too few",
        files({**ONE, "filename_template": "{document_id"}),
        (
            (
                "error",
                "config.export_rules[0].export_object_configurations[0].filename_template",
                "A { or } stands alone; placeholders are written {document.id} or {field_id}.",
            ),
        ),
        "Close it.",
    ),
    Config(
        "an artifact that nobody writes",
        files({"type": "custom_format", "export_reference_key": "outt", "filename_template": "a"}),
        (
            (
                "error",
                "config.export_rules[0].export_object_configurations[0].export_reference_key",
                'Nothing before this stage writes "outt". Did you mean "out"?',
            ),
        ),
        "Correct the key.",
    ),
    Config(
        "fields in an unknown format",
        files({"type": "annotation_content", "format": "yaml", "filename_template": "a"}),
        (
            (
                "error",
                "config.export_rules[0].export_object_configurations[0].format",
                "This must be 'csv', 'xml' or 'json'.",
            ),
        ),
        "Choose csv, xml or json.",
    ),
    Config(
        "a way out of the folder",
        files(path_to_directory="../../etc"),
        (("error", "config.export_rules[0].path_to_directory", "A path may not lead upwards (..)."),),
        "Stay below the base.",
    ),
)
