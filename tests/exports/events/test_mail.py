"""Mail through a real SMTP server: what arrives, what is said where it is refused, and that no header is smuggled in."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from accounts import scope
from config import env
from exports.events import announcing, owners, post
from exports.models import EventDelivery, EventTry
from pipelines import channels
from pipelines.models import Channel
from tests import builders
from tests.exports.events import world
from tests.pipelines.test_http_tls import certificate  # noqa: F401  # a fixture
from tests.servers import smtp


@pytest.fixture
def postbox(settings):
    with smtp.running() as server:
        settings.SMTP = {"host": "127.0.0.1", "port": server.port, "tls": "", "user": "", "password": ""}
        settings.MAIL_FROM = "Waybill <waybill@acme.example>"
        settings.PUBLIC_URL = "https://waybill.example"
        yield server


def alert(**payload):
    announcing.announce(
        "failure_group.opened", "failure_group:1", {"title": "12 exports were rejected", **payload}, scope.current()
    )


def test_a_mail_says_in_its_subject_what_is_the_matter(organization, postbox):
    world.channel("anna@acme.example, Team@acme.example", "failure_group.*", kind="email")
    alert(message="Supplier 4711 is unknown", url="/admin/exports/failuregroup/1/change/", facts=[["Queue", "AP"]])

    world.tell_and_send()

    (mail,) = postbox.mails
    row = EventDelivery.objects.get()
    assert mail["Subject"] == "12 exports were rejected"
    assert mail["From"] == "Waybill <waybill@acme.example>"
    assert mail["To"] == "anna@acme.example, Team@acme.example"
    assert mail["Message-ID"] == f"<{row.message_id}@waybill.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert postbox.envelopes[0].rcpt_tos == ["anna@acme.example", "Team@acme.example"]
    text, html = mail.get_body(("plain",)).get_content(), mail.get_body(("html",)).get_content()
    for part in (text, html):
        assert "Supplier 4711 is unknown" in part
        assert "https://waybill.example/admin/exports/failuregroup/1/change/" in part
    assert "Queue: AP" in text
    assert (row.state, EventTry.objects.get().status) == ("delivered", 250)


def test_no_header_is_smuggled_in_and_no_markup_comes_through(organization, postbox):
    world.channel("anna@acme.example", "failure_group.*", kind="email")
    alert(title="Hi\r\nBcc: eve@evil.example\r\n\r\n<script>", message='<img src=x onerror="alert(1)">')

    world.tell_and_send()

    (mail,) = postbox.mails
    html = mail.get_body(("html",)).get_content()
    assert mail["Subject"] == "Hi Bcc: eve@evil.example <script>"
    assert mail["Bcc"] is None
    assert postbox.envelopes[0].rcpt_tos == ["anna@acme.example"]
    assert "<script>" not in html
    assert "<img" not in html
    assert "&lt;img src=x" in html


def test_letters_of_every_language_arrive(organization, postbox):
    world.channel("anna@acme.example", "failure_group.*", kind="email")
    alert(title="Grüße, Łódź – 請求書", message="Ünbekannt")

    world.tell_and_send()

    (mail,) = postbox.mails
    assert mail["Subject"] == "Grüße, Łódź – 請求書"
    assert "Ünbekannt" in mail.get_body(("plain",)).get_content()


def test_what_the_server_refuses_is_told_and_tried_again(organization, postbox):
    world.channel("anna@acme.example", "failure_group.*", kind="email")
    postbox.answer = "451 later, please"
    alert()

    world.tell_and_send()
    first = EventTry.objects.get()
    postbox.answer = "250 taken"
    EventDelivery.objects.update(due_at=timezone.now())
    Channel.objects.update(rests_until=None)
    post.send_due()

    assert first.error == "The mail server answered 451 later, please"
    assert EventDelivery.objects.get().state == "delivered"
    assert len(postbox.mails) == 1


def test_a_recipient_who_is_not_there_is_named(organization, postbox):
    world.channel("anna@acme.example, gone@acme.example", "failure_group.*", kind="email")
    postbox.refuses = {"gone@acme.example"}
    alert()

    world.tell_and_send()

    assert EventDelivery.objects.get().state == "delivered"
    assert "not for gone@acme.example: 550 no such person" in EventTry.objects.get().body


def test_without_a_mail_server_the_message_says_so(organization, settings):
    settings.SMTP = {}
    world.channel("anna@acme.example", "failure_group.*", kind="email")
    alert()

    world.tell_and_send()

    assert EventTry.objects.get().error == "This installation sends no mail: WAYBILL_SMTP is not set."


def test_a_password_goes_only_over_a_connection_that_can_be_trusted(organization, settings, certificate):
    with smtp.running(tls=certificate, password="correct horse") as server:
        settings.SMTP = {
            "host": "127.0.0.1", "port": server.port, "tls": "starttls", "user": "anna", "password": "correct horse",
        }  # fmt: skip
        world.channel("anna@acme.example", "failure_group.*", kind="email")
        alert()

        world.tell_and_send()

        assert server.logins == []  # its certificate is nobody's that this machine knows
        assert server.mails == []
    assert "certificate verify failed" in EventTry.objects.get().error.lower()
    assert "correct horse" not in EventTry.objects.get().error


def test_with_starttls_and_a_login_the_mail_arrives(organization, settings, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with smtp.running(tls=certificate, password="correct horse") as server:
        settings.SMTP = {
            "host": "127.0.0.1", "port": server.port, "tls": "starttls", "user": "anna", "password": "correct horse",
        }  # fmt: skip
        world.channel("anna@acme.example", "failure_group.*", kind="email")
        alert()

        world.tell_and_send()

        assert server.logins == [("anna", "correct horse")]
        assert len(server.mails) == 1
    assert EventTry.objects.get().error == ""


def test_the_guard_holds_for_mail_too(organization, settings, postbox):
    settings.CLOSED_NETWORKS = ["127.0.0.0/8"]
    world.channel("anna@acme.example", "failure_group.*", kind="email")
    alert()

    world.tell_and_send()

    assert "its administrator has closed it to everybody" in EventTry.objects.get().error
    assert postbox.mails == []


class TestOwners:
    """They are written to when a channel was disabled by itself."""

    def test_each_owner_with_an_address_once(self, organization, postbox):
        builders.user("olga", role="owner", organization=organization, email="olga@acme.example")
        builders.user("otto", role="owner", organization=organization)
        builders.user("vera", role="viewer", organization=organization, email="vera@acme.example")
        builders.user("theirs", role="owner", organization=builders.organization("Other"), email="x@other.example")
        channel = world.channel("https://dead.example", name="ERP team")
        channels.disable(channel, why="Nothing was delivered for 5 days.")

        told = [owners.tell(), owners.tell()]

        (mail,) = postbox.mails
        assert told == [1, 0]
        assert postbox.envelopes[0].rcpt_tos == ["olga@acme.example"]
        assert mail["Subject"] == "Channel ERP team was disabled"
        assert "Nothing was delivered for 5 days." in mail.get_body(("plain",)).get_content()

    def test_again_later_where_the_server_is_away(self, organization, postbox):
        builders.user("olga", role="owner", organization=organization, email="olga@acme.example")
        channels.disable(world.channel("https://dead.example"), why="Gone.")
        postbox.answer = "451 later"

        first, at_once = owners.tell(), owners.tell()
        postbox.answer = "250 taken"
        Channel.objects.update(rests_until=timezone.now() - timedelta(seconds=1))

        assert (first, at_once, owners.tell(), len(postbox.mails)) == (0, 0, 1, 1)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", {}),
        ("smtp://mail.internal", {"host": "mail.internal", "port": 25, "tls": "", "user": "", "password": ""}),
        (
            "smtp+starttls://anna%40acme:p%3Aw%2F@smtp.example",
            {"host": "smtp.example", "port": 587, "tls": "starttls", "user": "anna@acme", "password": "p:w/"},
        ),
        (
            "smtps://u:p@smtp.example:4650/",
            {"host": "smtp.example", "port": 4650, "tls": "tls", "user": "u", "password": "p"},
        ),
    ],
)
def test_the_mail_server_is_one_address(monkeypatch, url, expected):
    monkeypatch.setenv("WAYBILL_SMTP", url)

    assert env.smtp("WAYBILL_SMTP") == expected


@pytest.mark.parametrize("url", ["mail.internal", "http://mail.internal", "smtp://", "smtp://h:99999", "smtp://h/path"])
def test_an_address_that_is_none_stops_the_start_and_shows_no_password(monkeypatch, url):
    monkeypatch.setenv("WAYBILL_SMTP", url)

    with pytest.raises(ImproperlyConfigured, match="must read smtp://"):
        env.smtp("WAYBILL_SMTP")
