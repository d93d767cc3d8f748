"""What the words around a long number say of it: a transaction hash looks exactly like a private key.

The nearest word that says anything decides: "hash of the private key 0x…" is a key, "private key hash 0x…" a hash.
"""

import functools
from collections.abc import Iterable, Sequence

from agent_trace.recording.redaction.rule import Found, Span, later

# Say it in a sentence too, even beside a word that tells.
_STRONG = frozenset(
    """
    hash hashes txhash blockhash tx txs txn txns txid txids transaction transactions signature signatures sig sigs
    sha sha2 sha3 sha256 keccak keccak256 digest digests checksum commit fingerprint
    """.split()
)
# Say it as a name, or in a sentence that speaks of no key: "in order to sign with the key …" is not about an order.
_WEAK = frozenset(
    """
    block blocks order orders orderid topic topics root roots id ids uid uuid guid address addresses addr pubkey
    pubkeys publickey public proof proofs merkle leaf etag blob nonce salt calldata bytecode selector event events
    receipt receipts slot storage condition market markets asset assets pool pools trace revision commits
    """.split()
)
# Say it as a name only: too common in sentences.
_AS_NAMES = frozenset(
    """
    price prices close closes open opens high highs low lows volume volumes pixel pixels histogram count counts
    embedding embeddings token tokens vector vectors score scores sample samples weights position positions version
    """.split()
)
_HARMLESS = _STRONG | _WEAK | _AS_NAMES
_TELLING = frozenset(
    """
    key keys private priv privkey privatekey secret secrets seed seeds sk pk wallet wallets keypair keypairs signer
    mnemonic password passphrase credential credentials wif
    """.split()
)
_WORDS = later(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+[0-9]*|[0-9]+")
# Other long numbers and the marks in their place say nothing: "transactions: 0x…, 0x…, 0x…".
_NUMBERS = later(r"(?:0x)?[0-9a-fA-F]{40,}|[1-9A-HJ-NP-Za-km-z]{80,}|\[redacted:[^\]]*\]")
_ESCAPES = later(r"\\{1,9}[bfnrt]")
_WINDOW = 64
_REACH = 700
_NEAR = 3
"""How many words before a long number may name it in a sentence."""


def verdict_of(label: str) -> bool | None:
    """Of a name. True: what it names is harmless; False: it is a secret; None: the name says nothing."""
    for word in reversed(_WORDS().findall(label)):
        if word.lower() in _TELLING:
            return False
        if word.lower() in _HARMLESS:
            return True
    return None


def _verdict_of_sentence(words: Sequence[str]) -> bool | None:
    telling = next((at for at, word in enumerate(reversed(words)) if word in _TELLING), None)
    for at, word in enumerate(reversed(words[-_NEAR:])):
        if at == telling:
            return False
        if word in _STRONG or (word in _WEAK and telling is None):
            return True
    return None if telling is None else False


def is_harmless(found: Found) -> bool:
    """Whether the words before the match say that it is no secret; without any, the names it stands under."""
    words = _words_before(found.text[max(0, found.start - _REACH) : found.start])
    if words:
        return _verdict_of_sentence(words) is True
    return next((said for label in found.labels if (said := verdict_of(label)) is not None), None) is True


def is_series(labels: Iterable[str]) -> bool:
    """Whether names say that a list of small numbers is a series, or bytes that are no key."""
    for label in labels:
        for word in reversed(_WORDS().findall(label)):
            if word.lower() in _TELLING:
                return False
            if word.lower() in _STRONG or word.lower() in _AS_NAMES:
                return True
    return False


def _words_before(text: bytes) -> list[str]:
    plain = _NUMBERS().sub(" ", _ESCAPES().sub(" ", text.decode("latin-1")))[-_WINDOW:]
    words = [word.lower() for word in _WORDS().findall(plain)]
    return [word for word in words if word not in ("0", "x")]


def is_labelled_harmless(found: Found) -> bool:
    """The same of a match in a raw JSON line, True only where the slow path would certainly agree.

    The words must be in the same JSON string as the match, or be the key right before it.
    """
    text, start = found.text, found.start
    if text[start - 2 : start] in (b"0x", b"0X"):
        start -= 2
    if text[start - 3 : start] == b'":"':
        return _says_harmless(text[text.rfind(b'"', 0, start - 3) + 1 : start - 3])
    opening = _last_quote(text, start)
    return opening is not None and _verdict_of_sentence(_words_before(text[opening + 1 : start])) is True


def _last_quote(text: bytes, end: int) -> int | None:
    """Where the JSON string opens that goes on at `end`, if it is not far."""
    limit = max(0, end - _REACH)
    at = text.rfind(b'"', limit, end)
    while at > 0 and text[at - 1 : at] == b"\\":
        at = text.rfind(b'"', limit, at)
    return at if at >= 0 else None


@functools.lru_cache(maxsize=1024)
def _says_harmless(key: bytes) -> bool:
    return verdict_of(key.decode("latin-1")) is True


def unless_harmless(found: Found) -> Sequence[Span]:
    """The verdict of a rule whose secrets look like hashes: hide it unless it is labelled as one."""
    return () if is_harmless(found) else ((found.start, found.end),)
