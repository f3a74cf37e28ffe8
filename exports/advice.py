"""What Waybill itself knows to advise, by a failure's words, its code and its reason: each in one or two sentences,
for the clerk who must act. Which one is shown is decided in exports/hints.py."""

from __future__ import annotations

from exports.states import Reason

BY_WORDS: tuple[tuple[str, str], ...] = (
    (
        "does not resolve",
        ("Nobody answers to this host name. Check its spelling in the destination; if it is right, tell "
        "whoever runs your network."),
    ),
    (
        "not resolved within",
        "The name server did not answer in time. Nothing was sent; send again when the network is well.",
    ),
    (
        "host key*not pinned",
        ("The server's key is not confirmed yet. Compare the shown fingerprint with its owner, then put it "
        "into the destination's host key."),
    ),
    (
        "another host key",
        ("The server showed a new key. Ask its owner whether it was changed; until then nothing is sent, "
        "and that is right."),
    ),
    (
        "certificate",
        ("The other side's certificate is not accepted. They must renew it, or your administrator must add "
        "its authority."),
    ),
    ("TLS", "No encrypted connection could be agreed. Check the port and whether the address begins with https."),
    (
        "refused*user name",
        ("They no longer accept this sign-in. Renew the password or key in Secrets, test the destination, "
        "then send again."),
    ),
    ("There is no secret", "A secret is missing. Set it under Secrets with exactly this name, then send again."),
    (
        "permission denied",
        ("Signing in works, but this folder may not be written to. Ask the other side for the right to "
        "write there."),
    ),
    ("quota", "Their disk is probably full. Ask them to make room, then send again."),
    ("no space left", "The disk is full. Make room, then send again."),
    (
        "exists already with other content",
        ("A file of that name is there with other content. Make the name unique in the pipeline, or allow "
        "it to be replaced."),
    ),
    (
        "no artifact",
        ("A stage before this one did not write the file. Look at the order of the stages, correct it, "
        "publish and send again with the newest revision."),
    ),
    ("no original", "The document came without its file. Upload it to the document, or let the pipeline do without."),
    (
        "worker died",
        "The worker went down each time it had this document. Tell your administrator; the log says more.",
    ),
    (
        "allowed networks",
        ("This address is not open to Waybill. If it is meant, an administrator adds it to the "
        "destination's allowed networks."),
    ),
)  # fmt: skip
"""By words of the message, the narrowest first; `*` as in the rules of staff."""

BY_CODE: dict[int, str] = {
    400: (
        "They could not read what was sent. Look at Sent and Reply of one document; usually a field has "
        "the wrong form."
    ),
    401: "They do not accept our sign-in. Renew the secret, test the destination, then send again.",
    403: "We are signed in but not allowed to do this there. Ask the other side for the right, then send again.",
    404: (
        "The address or something that it names does not exist there. Check the address in the pipeline, "
        "and the number it is made of."
    ),
    405: "The address does not take this kind of request. Check method and address in the pipeline.",
    408: "They waited too long for us. Send again; if it stays so, the documents are too large for the line.",
    409: (
        "They say that it is there already, or changed meanwhile. Look at the other side before you send "
        "again: it may have arrived."
    ),
    410: "The address is gone for good. Ask the other side for the new one.",
    413: "The document is too large for them. Send a smaller file, or ask them to raise the limit.",
    415: "They do not take this format. Correct the content type or the template in the pipeline.",
    422: (
        "They understood the document and refuse what is in it. Correct the field that the message names, "
        "then send again."
    ),
    429: "We send too fast for them. Waybill has slowed down by itself; send again in smaller portions.",
}  # fmt: skip

BY_REASON: dict[str, str] = {
    Reason.UNCONFIRMED: (
        "Nobody knows whether it arrived. Look for the document at the other side first, then say which it"
        " was. Never send it again unseen."
    ),
    Reason.REJECTED: "The other side or a check said no. Correct the fields that the message names, then send again.",
    Reason.MISCONFIGURED: (
        "Something of ours is wrong: the pipeline, a secret or the destination. Correct it, publish, then "
        "send again with the newest revision."
    ),
    Reason.EXHAUSTED: (
        "They did not answer, however often we tried. Nothing was accepted, so sending again is safe once "
        "they are back."
    ),
    Reason.TIMEOUT: "The answer did not come in time. Ask whoever should have answered, then send again.",
    Reason.INTERNAL: (
        "Waybill itself failed. The documents are unharmed; tell your administrator, the attempt keeps the"
        " details."
    ),
}  # fmt: skip

THEIR_FAULT = "Their system has a fault. Nothing is wrong with the documents; send again when they have mended it."
