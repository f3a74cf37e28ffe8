"""The pages of Rossum accounts and of their calls."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from exports.models import ExtensionCall
from pipelines import rossumaccounts, rossumsecrets
from pipelines.models import Pipeline, RossumAccount
from tests import builders
from tests.pipelines.rossumimport import organization as acme

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


IMPORT = "/admin/pipelines/rossumaccount/import/"


def files():
    parts = {"hooks": acme.hooks(), "queues": acme.queues(), "schemas": [acme.schema()]}
    return [SimpleUploadedFile(f"{name}.json", json.dumps(acme.listed(rows)).encode()) for name, rows in parts.items()]


def test_an_organization_is_taken_over_from_uploaded_files_after_a_look(browser):
    looked = browser.post(IMPORT, {"uploaded": files(), "only_look": "on"}).content.decode()
    assert "What would be done" in looked
    assert not Pipeline.objects.exists()

    done = browser.post(IMPORT, {"uploaded": files()}).content.decode()

    assert "What was done" in done
    assert "Needs the secrets <code>client_id</code>, <code>client_secret</code>." in done
    assert Pipeline.objects.get().stages.count() == 13


def test_an_upload_without_anything_to_take_over_says_so(browser):
    page = browser.post(IMPORT, {"uploaded": [SimpleUploadedFile("x.json", b"{}")]}).content.decode()

    assert "No queue and no export hook" in page
    assert "This field is required." in browser.post(IMPORT, {"only_look": "on"}).content.decode()


def test_who_may_not_add_pipelines_takes_nothing_over(organization):
    client = Client()
    client.force_login(builders.user("otto", role="operator", organization=organization))

    assert client.get(IMPORT).status_code == 403
    assert client.post(IMPORT, {"uploaded": files()}).status_code == 403
    assert not Pipeline.objects.exists()
