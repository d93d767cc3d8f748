"""Secrets to plant and look-alikes that must stay: one table for every suite that asks what reached the disk.

None of them was ever valid. Those that scanners of repositories know are put together from two parts.
"""

import json
from typing import NamedTuple


class Planted(NamedTuple):
    """A text that one default rule must change, and the parts of it that must be nowhere afterwards."""

    text: str
    secrets: tuple[str, ...]
    structure: object = None
    """The same secret in the structure that makes it recognisable, where a text is not the usual way."""


def _bare(secret: str, before: str = "", after: str = "") -> Planted:
    return Planted(before + secret + after, (secret,))


_HEX = "9f3c1b7e5d2a4860c1e7f9b3d5a2846e0f1c3b5d7e9a2c4f6081b3d5e7f9a1c3"
_SOLANA = "2yMvD8kQwEr5TzXcVbNm3LpHgFdSaQ9WuJ7iRt6YoPxZk4CnBvE8sGhKfLq2WdTrUyMi5NpAzXe7RjHbQvC3SkT"[:88]
_KEYPAIR = [(at * 149 + 61) % 256 for at in range(64)]
_WORDS = "legal winner thank year wave sausage worth useful legal winner thank yellow"
_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJkZXNrLTciLCJyb2xlIjoidHJhZGVyIn0.k2Jf9xQv7LmN3bR8tYpZ1wC4"
_PEM_BODY = "MIIEpAIBAAKCAQEAplantedplantedQ3x9\nVb7Kq2Zt5Yh8plantedWm4Rn6Lp1Xc0="
_XPRV = (
    "xprv"
    + "9s21ZrQH143K31xYSDQpPDxsXRTUcvj2iNHm5NUtrGiGG5e2DtALGdso3pGz6ssrdK4PFmM8NSpSBHNqPqm55Qn3LqFtT2emdEXVYsCzC2U"
)

PLANTED: dict[str, Planted] = {
    "password": Planted(
        "login with password=Tr0ub4dor!x", ("Tr0ub4dor!x",), {"db": {"password": "Tr0ub4dor!x"}}
    ),
    "api-key": Planted(
        "api_key: 'k9-planted-5521'", ("k9-planted-5521",), {"headers": [["X-API-Key", "k9-planted-5521"]]}
    ),
    "secret": Planted(
        'export BYBIT_API_SECRET="zQ4planted7TtB"', ("zQ4planted7TtB",), {"client_secret": "zQ4planted7TtB"}
    ),
    "private-key": Planted(
        "private_key=planted/55Kx9", ("planted/55Kx9",), {"wallet": {"privateKey": "planted/55Kx9"}}
    ),
    "token": Planted(
        "refresh_token=rt.planted.8841", ("rt.planted.8841",), {"refreshToken": "rt.planted.8841"}
    ),
    "seed-phrase": Planted(
        "seed phrase: zebra quilt planted marble",
        ("zebra quilt", "planted marble"),
        {"seed_phrase": ["zebra", "quiltx"]},
    ),
    "authorization": Planted(
        "Authorization: Token 77planted88",
        ("77planted88",),
        {"name": "Authorization", "value": "Token 77planted88"},
    ),
    "cookie": Planted(
        "Cookie: sid=planted-31337; theme=dark", ("planted-31337",), {"cookies": {"sid": "planted-31337"}}
    ),
    "credentials": Planted(
        "credentials='alice:planted-90'", ("planted-90",), {"credentials": {"pin": "planted-90"}}
    ),
    "bearer": _bare("mF_9planted.B5f-4.1JqM", "curl with bearer "),
    "basic": _bare("YWxpY2U6cGxhbnRlZC1wYXNz", "Proxy says Basic "),
    "url-password": _bare("pl4nt3d-pw", "postgres://desk:", "@db.internal:5432/prices"),
    "jwt": _bare(_JWT, "got ", " back"),
    "pem": Planted(
        f"-----BEGIN RSA PRIVATE KEY-----\n{_PEM_BODY}\n-----END RSA PRIVATE KEY-----\n",
        tuple(_PEM_BODY.split("\n")),
    ),
    "anthropic": _bare("sk-ant-" + "api03-pLaNtEd4bQ8wE2rT6yU0iO-AA"),
    "openrouter": _bare("sk-or-" + "v1-5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76"),
    "langfuse": _bare("sk-lf-" + "7c9e6679-7425-40de-944b-e07fc1f90ae7"),
    "google": _bare("AIza" + "SyPlAnTeD0q1W2e3R4t5Y6u7I8o9P0a1S2d"),
    "huggingface": _bare("hf_" + "pLaNtEdQwErTyUiOpAsDfGhJkLzXcVbNm"),
    "groq": _bare("gsk_" + "pLaNtEd1QaZ2WsX3EdC4RfV5TgB6YhN7"),
    "xai": _bare("xai-" + "pLaNtEd8JuM9IkL0OpQ1WeR2TyU3IoP4"),
    "perplexity": _bare("pplx-" + "0f1e2d3c4b5a69788796a5b4c3d2e1f0"),
    "replicate": _bare("r8_" + "pLaNtEd5AsD6FgH7JkL8ZxC9VbN0Qw"),
    "model-tools": _bare("tvly-" + "pLaNtEd3RtY4UiO5PaS6DfG7HjK8"),
    "openai": _bare("sk-proj-" + "pLaNtEd_7Yh8Uj9Ik0Ol1Qa2Ws3Ed"),
    "aws-access-key": _bare("AKIA" + "PLANTED7QWERTY45"),
    "azure": _bare(
        "cGxhbnRlZC1henVyZS1hY2NvdW50LWtleS0wMTIzNDU2Nzg5YWJjZGVm==", "https://a.core.windows.net/?sp=r&sig="
    ),
    "databricks": _bare("dapi" + "13579bdf02468ace13579bdf02468ace"),
    "hosting": _bare("hvs." + "pLaNtEdCAESIFx7y8z9a0b1c2d3e4"),
    "github": _bare("ghp_" + "pLaNtEd0A1b2C3d4E5f6G7h8I9j0K1l2M3n4"),
    "gitlab": _bare("glpat-" + "pLaNtEd_9xYz8wVu7TsR6"),
    "npm": _bare("npm_" + "pLaNtEd0A1b2C3d4E5f6G7h8I9j0K1l2M3n4"),
    "pypi": _bare("pypi-" + "AgEIcHlwaS5vcmcpLaNtEdCJDFhMmIzYzRkLTVlNmYtN2E4Yi05"),
    "slack": _bare("xoxb-" + "246813579024-pLaNtEdWxYz"),
    "telegram": _bare("5512349876:AAH" + "pLaNtEd-0q1W2e3R4t5Y6u7I8o9P0a1S"),
    "discord": _bare("MTA5ODc2NTQzMjEwOTg3NjU0" + ".Gp1aNt.pLaNtEd9eD8cB7aZ6yX5wV4uT3sR2q"),
    "sendgrid": _bare("SG." + "pLaNtEd1aB2cD3eF4gH5i.J6kL7mN8oP9qR0sT1uV2wX3yZ4"),
    "stripe": _bare("sk_live_" + "pLaNtEd51QwErTy7UiOp"),
    "rpc-url": _bare("pLaNtEdaB1cD2eF3gH4iJ5kL6mN7oP8", "https://eth-mainnet.g.alchemy.com/v2/"),
    "ethereum-private-key": Planted(f"sign with 0x{_HEX}", (_HEX,), {"wallet": _HEX}),
    "solana-private-key": _bare(_SOLANA, "the desk keeps ", " on file"),
    "solana-keypair": Planted(
        json.dumps(_KEYPAIR), (json.dumps(_KEYPAIR)[1:60], "61,210,103,252,145"), {"wallet": _KEYPAIR}
    ),
    "wif": _bare("L4rK1yDtCWekvXuE6oXD9jCYfFNV2cWRpVuPLBcCU2z8TrisoyY1"),
    "extended-private-key": _bare(_XPRV, "root ", " (main)"),
    "mnemonic": Planted(f"write down {_WORDS} please", (_WORDS, "legal winner thank"), _WORDS.split()),
}
"""For each default rule a text that only a redactor may see."""

HARMLESS: dict[str, object] = {
    "transaction hash": {"tx_hash": "0x" + _HEX},
    "transaction hash in a sentence": f"Confirmed: tx 0x{_HEX} in block 19000000",
    "transaction in a URL": f"https://etherscan.io/tx/0x{_HEX}",
    "hashes in a list": {"transactions": ["0x" + _HEX, "0x" + _HEX[::-1]]},
    "block hash in JSON in a string": {"arguments": json.dumps({"blockHash": "0x" + _HEX, "n": 1})},
    "order id": {"order": {"id": _HEX}},
    "sha256": f"sha256:{_HEX}",
    "signature": {"signature": _SOLANA},
    "signature in a sentence": f"Sent, signature {_SOLANA}",
    "address": "0x52908400098527886E0F7030069857D2E4169EE7",
    "Solana address": {"mint": "EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v", "token": "USDC"},
    "UUID": "f47ac10b-58cc-4372-a567-0e02b2c3d479",
    "git commit": "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "public keys": ["pk-lf-7c9e6679-7425-40de-944b-e07fc1f90ae7", "pk_live_51HxYzAb3dEf6GhIj"],
    "usage": {
        "max_tokens": 512,
        "prompt_tokens": 900,
        "total_tokens": 1412,
        "token_count": 3,
        "next_page_token": "abc",
    },
    "seed of a model": {"seed": 42, "temperature": 0.2},
    "prose": "The secret of risk is patience; keep a basic understanding of the bearer market and its key levels.",
    "long prose": "these markets often move higher when traders expect lower rates while volume stays strong across venues",
    "code": 'api_key = os.environ["OPENAI_API_KEY"]\ndef login(user: str, password: str) -> bool: ...',
    "prices": [101.5 + at for at in range(64)],
    "small integers": {"closes": [100 + at % 5 for at in range(64)]},
    "URL with a port": "http://localhost:8080/v1/chat?user=@desk",
    "placeholders": {"password": None, "api_key": "", "secret": "***", "token": "${TOKEN}"},
    "schema": {"properties": {"password": {"type": "string", "description": "as typed"}}},
    "kebab": "the risk-adjusted-return of sk-learn-based-pipeline-tests",
    "unicode": "価格は上昇中 — naïve Überlegung 🚀",
}
"""Values that look like secrets to a careless eye and must come out as they went in."""
