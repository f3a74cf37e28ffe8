"""No form of a secret stays in what is kept; nothing else is touched."""

from __future__ import annotations

import base64
import html
import json
import time
from urllib.parse import quote, quote_plus, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.redaction import Redactor

PASSWORD = "p&ss w/örd\"<'+="
KEY = (
    "-----BEGIN OPENSSH PRIVATE KEY-----\n"
    + "\n".join(letter * 70 for letter in "ABCD")
    + "\n-----END OPENSSH PRIVATE KEY-----\n"
)


@pytest.mark.parametrize(
    "form",
    [
        PASSWORD,
        quote(PASSWORD, safe=""),
        quote(PASSWORD),
        quote_plus(PASSWORD),
        quote(PASSWORD, safe="").lower(),
        urlencode({"password": PASSWORD}).removeprefix("password="),
        json.dumps(PASSWORD)[1:-1],
        json.dumps(PASSWORD, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(PASSWORD)[1:-1])[1:-1],
        html.escape(PASSWORD),
        html.escape(PASSWORD, quote=False),
        quote(json.dumps(PASSWORD)[1:-1]),
    ],
)
def test_every_form_is_hidden_and_named(form):
    redactor = Redactor({"password": PASSWORD})

    assert redactor.text(f"before {form} after") == "before [secret:password] after"
    assert redactor.data(f"before {form} after".encode()) == b"before [secret:password] after"


@pytest.mark.parametrize("user", ["", "a", "ab", "abc", "anna@example.com"])
@pytest.mark.parametrize("password", ["hunter2hunter2", "hunter2hunter", "hunter2hunte", "ab+/??>>~~zz"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_basic_credentials_are_hidden_wherever_the_password_begins(user, password, encode):
    coded = encode(f"{user}:{password}".encode()).decode()

    redacted = Redactor({"password": password}).text(f"Basic {coded} then")

    assert redacted.startswith("Basic ")
    assert redacted.endswith("[secret:password] then")
    left = redacted.removeprefix("Basic ").removesuffix("[secret:password] then")
    assert left == coded[: len(f"{user}:") * 8 // 6], "a character with bits of the password stayed"


def test_the_longest_secret_wins_where_one_holds_another():
    redactor = Redactor({"short": "hunter2", "long": "hunter2hunter2"})

    assert redactor.text("hunter2hunter2 hunter2") == "[secret:long] [secret:short]"
    assert redactor.data(b"hunter2hunter2 hunter2") == b"[secret:long] [secret:short]"


def test_a_secret_that_reads_like_a_mark_does_not_eat_the_others():
    redactor = Redactor({"a": "hunter2hunter2", "b": "secret"})

    assert redactor.text("hunter2hunter2 secret") == "[secret:a] [secret:b]"
    assert redactor.data(b"hunter2hunter2 secret") == b"[secret:a] [secret:b]"


def test_a_private_key_is_hidden_whole_and_by_the_line():
    redactor = Redactor({"ssh_key": KEY})

    for form in (KEY, KEY.replace("\n", "\r\n"), KEY.strip(), json.dumps(KEY)[1:-1]):
        assert "AAAA" not in redactor.text(f"x{form}y")
    assert redactor.text(f"bad line {'B' * 70}!") == "bad line [secret:ssh_key]!"
    assert redactor.text("-----BEGIN OPENSSH PRIVATE KEY-----") == "-----BEGIN OPENSSH PRIVATE KEY-----"


def test_bodies_in_other_encodings_keep_theirs():
    redactor = Redactor({"password": "wörd-häuser"})

    assert redactor.data("a wörd-häuser b".encode("latin-1")) == b"a [secret:password] b"
    assert redactor.data("a wörd-häuser b".encode("utf-16-le")).decode("utf-16-le") == "a [secret:password] b"


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        (("Authorization", "Bearer abc.def"), "Bearer [secret]"),
        (("authorization", "Basic dXNlcjpwYXNz"), "Basic [secret]"),
        (("Proxy-Authorization", "whatever it is"), "[secret]"),
        (("X-API-Key", "12345"), "[secret]"),
        (("Ocp-Apim-Subscription-Key", "12345"), "[secret]"),
        (("X-Amz-Security-Token", "12345"), "[secret]"),
        (("Cookie", "sid=abc; theme=dark"), "sid=[secret]; theme=[secret]"),
        (("Set-Cookie", "sid=abc; Path=/; HttpOnly"), "sid=[secret]; Path=/; HttpOnly"),
        (("Authorization", ""), ""),
        (("Idempotency-Key", "0192-ab"), "0192-ab"),
        (("Content-Type", "application/json"), "application/json"),
        (("X-Request", "hunter2hunter2"), "[secret:password]"),
        (("Location", "https://erp.example/?t=hunter2hunter2&a=1"), "https://erp.example/?t=[secret:password]&a=1"),
    ],
)
def test_headers_that_carry_credentials_are_hidden_even_when_the_value_is_unknown(header, shown):
    redactor = Redactor({"password": "hunter2hunter2"})

    assert redactor.pairs([header]) == [[header[0], shown]]


def test_headers_are_hidden_without_any_secret():
    assert Redactor({}).pairs([("Authorization", "Bearer x"), ("A", "b")]) == [
        ["Authorization", "Bearer [secret]"],
        ["A", "b"],
    ]


def test_a_tree_is_redacted_at_every_leaf_and_key():
    tree = {"a": ["x hunter2hunter2 y", 3], "hunter2hunter2": {"pin": 12345678, "n": None}, "ok": True}

    redacted = Redactor({"password": "hunter2hunter2", "pin": "12345678"}).json(tree)

    assert redacted == {
        "a": ["x [secret:password] y", 3],
        "[secret:password]": {"pin": "[secret:pin]", "n": None},
        "ok": True,
    }
    assert tree["hunter2hunter2"]["pin"] == 12345678


def test_a_tree_without_secrets_is_the_same_object():
    tree = {"a": [1, "two", {"three": 3.5}], "b": None}

    assert Redactor({"password": "hunter2hunter2"}).json(tree) is tree
    assert Redactor({}).json(tree) is tree


def test_a_short_secret_is_hidden_only_as_a_whole_value():
    redactor = Redactor({"pin": "12"})

    text = 'pin=12&total=120 {"pin": "12", "total": 12.5, "n": "3 12"} pin=12'
    hidden = 'pin=[secret:pin]&total=120 {"pin": "[secret:pin]", "total": 12.5, "n": "3 12"} pin=[secret:pin]'
    assert redactor.text(text) == hidden
    assert redactor.data(text.encode()) == hidden.encode()
    assert redactor.json({"pin": "12", "n": 12, "total": "12 EUR"}) == {
        "pin": "[secret:pin]",
        "n": "[secret:pin]",
        "total": "12 EUR",
    }
    assert redactor.pairs([("X-Pin", "12")]) == [["X-Pin", "[secret:pin]"]]


def test_an_empty_secret_hides_nothing():
    assert Redactor({"password": ""}).text("nothing here") == "nothing here"


def test_a_token_that_nobody_knows_yet_is_hidden_in_the_reply_that_brings_it():
    redactor = Redactor({"client_secret": "hunter2hunter2"})

    assert redactor.auth_reply(b'{"access_token": "ey\\"J0", "expires_in": 3600,"refresh_token":"r"}') == (
        b'{"access_token": "[secret]", "expires_in": 3600,"refresh_token":"[secret]"}'
    )
    assert redactor.auth_reply(b"access_token=abc&expires_in=3&echo=hunter2hunter2") == (
        b"access_token=[secret]&expires_in=3&echo=[secret:client_secret]"
    )


def test_a_fetched_token_can_be_added():
    redactor = Redactor({"password": "hunter2hunter2"}).also({"access_token": "eyJ0eXAi"})

    assert redactor.text("hunter2hunter2 eyJ0eXAi") == "[secret:password] [secret:access_token]"
    assert redactor.longest >= len("hunter2hunter2")


@given(
    st.text(st.characters(codec="utf-8"), min_size=4, max_size=40),
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.text(st.characters(codec="utf-8"), max_size=20),
)
def test_no_secret_survives_whatever_stands_around_it(secret, before, after):
    redactor = Redactor({"s": secret})
    mark = "[secret:s]"

    for form in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), quote_plus(secret), html.escape(secret)):
        redacted = redactor.text(before + form + after)
        assert form not in redacted.replace(mark, "") or form in before + mark + after
        assert (
            form.encode() not in redactor.data((before + form + after).encode()).replace(mark.encode(), b"")
            or form.encode() in (before + mark + after).encode()
        )


def test_a_large_body_without_secrets_passes_quickly():
    redactor = Redactor({f"secret{number}": f"v4lue&number {number} with spaces" for number in range(5)} | {"k": KEY})
    body = json.dumps([{"id": number, "name": f"item {number}"} for number in range(30_000)]).encode()
    redactor.data(body[:100])

    began = time.perf_counter()
    same = redactor.data(body)

    assert same is body
    assert time.perf_counter() - began < 0.5
