"""Signatures, checked by somebody else's implementation of Standard Webhooks."""

from __future__ import annotations

import base64
from datetime import UTC, datetime

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from pipelines import signing

BODY = '{"type":"test","data":{"title":"Grün"}}'.encode()


def now():
    return int(datetime.now(UTC).timestamp())


def test_the_example_of_the_specification_has_the_signature_that_it_gives():
    headers = signing.headers(
        ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"],
        message_id="msg_p5jXN8AQM9LWM0D4loKWxJek",
        timestamp=1614265330,
        body=b'{"test": 2432232314}',
    )

    assert headers == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_a_new_secret_signs_what_the_receiver_verifies():
    secret = signing.new_secret()

    headers = signing.headers([secret], message_id="msg_1", timestamp=now(), body=BODY)

    assert len(signing.key_of(secret)) == 32
    assert Webhook(secret).verify(BODY, headers)["type"] == "test"
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(BODY + b" ", headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(signing.new_secret()).verify(BODY, headers)


def test_while_a_secret_is_changed_a_receiver_that_knows_either_accepts():
    new, old = signing.new_secret(), signing.new_secret()

    headers = signing.headers([new, old], message_id="msg_1", timestamp=now(), body=BODY)

    assert headers["webhook-signature"].count("v1,") == 2
    assert Webhook(new).verify(BODY, headers)
    assert Webhook(old).verify(BODY, headers)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "whsec_",
        "whsec_!!!",
        base64.b64encode(bytes(32)).decode(),
        "whsec_" + base64.b64encode(bytes(23)).decode(),
        "whsec_" + base64.b64encode(bytes(65)).decode(),
    ],
)
def test_what_is_no_secret_is_refused(text):
    with pytest.raises(ValueError, match="24 to 64 bytes"):
        signing.key_of(text)
