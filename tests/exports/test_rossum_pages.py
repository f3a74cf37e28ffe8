"""The pages of Rossum accounts and of their calls."""

from __future__ import annotations

import pytest
from django.test import Client

from exports.models import ExtensionCall
from pipelines import rossumaccounts, rossumsecrets
from pipelines.models import RossumAccount
from tests import builders

BASE = "https://acme.rossum.app"
ADD = "/admin/pipelines/rossumaccount/add/"


@pytest.fixture
def browser(organization):
    client = Client()
    client.force_login(builders.user("ida", role="integrator", organization=organization))
    return client


def form(**values):
    return {"name": "Acme", "base_urls": BASE, "secrets": "the-signing-secret", "active": "on", **values}


def test_an_integrator_connects_an_account(browser):
    answer = browser.post(ADD, form(base_urls=f"{BASE}/\nhttps://acme-eu.rossum.app"))

    assert answer.status_code == 302
    made = RossumAccount.objects.get()
    assert made.base_urls == [BASE, "https://acme-eu.rossum.app"]
    assert rossumsecrets.calling(BASE)[0].secrets == (b"the-signing-secret",)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"base_urls": "acme"}, "is no address. Write it as https://acme.rossum.app."),
        ({"secrets": ""}, "Give the secret that the account&#x27;s hooks sign their calls with."),
        ({"secrets": "short"}, "Line 1: a signing secret has 8 to 500 printable characters."),
    ],
)
def test_what_cannot_be_stands_beside_its_field(browser, values, said):
    page = browser.post(ADD, form(**values)).content.decode()

    assert said in page
    assert not RossumAccount.objects.exists()


def test_the_secrets_are_never_shown_and_stay_where_none_is_typed(browser):
    made = rossumaccounts.save(
        RossumAccount.own(name="Acme", base_urls=[BASE]), by=builders.owner(), secrets=["the-signing-secret"]
    )
    address = f"/admin/pipelines/rossumaccount/{made.pk}/change/"

    page = browser.get(address).content.decode()
    browser.post(address, form(name="Acme again", secrets=""))

    assert "the-signing-secret" not in page
    assert "Kept sealed." in page
    assert rossumsecrets.calling(BASE)[0].account.name == "Acme again"
    assert rossumsecrets.calling(BASE)[0].secrets == (b"the-signing-secret",)


def test_calls_are_listed_and_read_and_nothing_of_them_is_changed(browser):
    account = rossumaccounts.save(
        RossumAccount.own(name="Acme", base_urls=[BASE]), by=builders.owner(), secrets=["the-signing-secret"]
    )
    call = ExtensionCall.own(
        account=account, extension="rest-api-export", hook=f"{BASE}/api/v1/hooks/615", request_id="3d0c",
        annotation=f"{BASE}/api/v1/annotations/70110", fingerprint="0" * 64, failed=True,
        reply={"messages": [{"type": "error", "content": "<b>Supplier</b> is blocked"}]},
    )  # fmt: skip
    call.save()

    listed = browser.get("/admin/exports/extensioncall/?q=70110").content.decode()
    page = browser.get(f"/admin/exports/extensioncall/{call.pk}/change/").content.decode()

    assert "REST API export" in listed
    assert "&lt;b&gt;Supplier&lt;/b&gt; is blocked" in page
    assert browser.get("/admin/exports/extensioncall/add/").status_code == 403
    assert browser.post(f"/admin/exports/extensioncall/{call.pk}/change/", {"failed": ""}).status_code == 403
