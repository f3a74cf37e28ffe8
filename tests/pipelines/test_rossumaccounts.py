"""Connected Rossum accounts: what one may be, whose call is heard, and that its secrets lie sealed."""

from __future__ import annotations

import pytest
from django.core.exceptions import PermissionDenied

from accounts import scope
from accounts.policy import Principal
from audit.models import Event
from pipelines import configuration, rossumaccounts, rossumrules, rossumsecrets, rotation
from pipelines.models import RossumAccount, RossumSecret
from pipelines.refusals import Refused
from tests import builders

BASE = "https://acme.rossum.app"


def account(name="Acme", *, secrets=("the-signing-secret",), base_urls=(BASE,), **values):
    row = RossumAccount.own(name=name, base_urls=list(base_urls), **values)
    return rossumaccounts.save(row, by=builders.owner(), secrets=secrets)


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("https://acme.rossum.app", BASE),
        ("HTTPS://Acme.Rossum.APP:443/", BASE),
        (" https://acme.rossum.app. ", BASE),
        ("http://127.0.0.1:8123", "http://127.0.0.1:8123"),
        ("http://[::1]:8123/", "http://[::1]:8123"),
    ],
)
def test_an_address_has_one_spelling(given, read):
    assert rossumrules.origin(given) == read


@pytest.mark.parametrize(
    "given",
    [
        "", "acme.rossum.app", "ftp://acme.rossum.app", "https://", "https://acme.rossum.app/api/v1", "https://u:p@acme",
        "https://acme.rossum.app?x=1", "https://acme.rossum.app:99999", "https://acme\n.rossum.app", "https://[::1",
    ],
)  # fmt: skip
def test_what_is_no_address_of_an_api_is_refused(given):
    with pytest.raises(ValueError, match="Write it as"):
        rossumrules.origin(given)


def test_secrets_lie_sealed_and_open_for_a_call(organization):
    made = account(secrets=("the-signing-secret", "another-signing-secret"))

    sealed = b"".join(bytes(row.sealed) for row in RossumSecret.objects.all())
    (caller,) = rossumsecrets.calling(BASE)

    assert b"signing-secret" not in sealed
    assert (caller.account.pk, sorted(caller.secrets)) == (made.pk, [b"another-signing-secret", b"the-signing-secret"])
    assert "signing-secret" not in repr(caller)


def test_a_call_is_heard_by_the_account_of_its_api_and_by_active_ones_only(organization):
    account("Off", active=False)
    account("Elsewhere", base_urls=["https://other.rossum.app"])

    assert rossumsecrets.calling(BASE) == []
    assert [caller.account.name for caller in rossumsecrets.calling("https://other.rossum.app")] == ["Elsewhere"]


def test_two_organizations_may_have_accounts_at_one_api(organization):
    account()
    other = builders.organization("Other")
    with scope.to(other.pk):
        account()

    found = {caller.account.organization_id for caller in rossumsecrets.calling(BASE)}

    assert found == {organization.pk, other.pk}


def test_new_secrets_take_the_place_of_the_old_and_none_leaves_them(organization):
    made = account()

    rossumaccounts.save(made, by=builders.owner(), secrets=())
    kept = rossumsecrets.calling(BASE)[0].secrets
    rossumaccounts.save(made, by=builders.owner(), secrets=("a-newer-secret",))

    assert kept == (b"the-signing-secret",)
    assert rossumsecrets.calling(BASE)[0].secrets == (b"a-newer-secret",)
    assert list(Event.objects.filter(subject=f"rossumaccount:{made.pk}").values_list("verb", "detail__changed"))[
        -1
    ] == (
        "rossumaccount.change",
        ["secrets"],
    )


def test_a_new_data_key_seals_them_anew(organization):
    account()

    rotation.rotate(organization.pk, by=builders.owner())

    assert rossumsecrets.calling(BASE)[0].secrets == (b"the-signing-secret",)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"secrets": ()}, "secrets: Give the secret that the account's hooks sign their calls with."),
        ({"secrets": ("short",)}, "secrets: Line 1: a signing secret has 8 to 500 printable characters."),
        (
            {"base_urls": ()},
            "base_urls: Give the address of the account's API, for example https://acme.rossum.app.",
        ),
        (
            {"base_urls": ("acme",)},
            'base_urls: "acme" is no address. Write it as https://acme.rossum.app.',
        ),
        (
            {"allowed_networks": ["10.1.0.0/99"]},
            (
                "allowed_networks: \"10.1.0.0/99\" is no network such as 10.1.0.0/16: '10.1.0.0/99' does not appear to "
                "be an IPv4 or IPv6 network."
            ),
        ),
        ({"name": " "}, "name: Give the Rossum account a name."),
    ],
)
def test_what_cannot_be_is_refused_with_its_column(organization, values, said):
    with pytest.raises(Refused) as refused:
        account(**{"name": "Acme", **values})

    assert refused.value.message == said
    assert not RossumAccount.objects.exists()


def test_only_who_may_integrate_sets_one_up(organization):
    by = Principal.of_user(builders.user(role="operator", organization=organization), organization.pk)

    with pytest.raises(PermissionDenied):
        rossumaccounts.save(RossumAccount.own(name="Acme", base_urls=[BASE]), by=by, secrets=("the-signing-secret",))

    assert not RossumAccount.objects.exists()


def test_writing_back_reaches_the_account_and_nobody_else(organization):
    made = account(base_urls=[BASE, "http://[::1]:8000"], allowed_networks=["10.0.0.0/8"])

    egress = rossumsecrets.egress_of(made)

    assert egress.allowed_hosts == {"acme.rossum.app", "::1"}
    assert egress.allowed_networks == ("10.0.0.0/8",)


def test_one_that_goes_takes_its_secrets_along(organization):
    made = account()

    configuration.delete(made, by=builders.owner())

    assert not RossumSecret.objects.exists()
