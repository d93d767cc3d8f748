"""A secret is found wherever a record may hold one, and only the secret is taken out."""

import json

import orjson
import pytest

from agent_trace.recording.redaction.redactor import Redactor
from tests.support.planted import PLANTED

REDACTOR = Redactor()
KEY = PLANTED["openai"].text
PHRASE = PLANTED["mnemonic"].secrets[0]
HEX = PLANTED["ethereum-private-key"].secrets[0]
RECORD: dict[str, object] = {
    "v": 1,
    "kind": "observation",
    "trace_id": "0af7651916cd43dd8448eb211c80319c",
    "id": "b7ad6b7169203331",
    "start_ns": 1_700_000_000_000_000_000,
    "usage": {"input": 12, "output": 3},
}

PLACES = {
    "input": lambda secret: {"input": secret},
    "nested list": lambda secret: {"input": {"messages": [["a", [secret, 1]], {"b": None}]}},
    "dictionary key": lambda secret: {"input": {"by key": {secret: 1, "other": 2}}},
    "output": lambda secret: {"output": {"choices": [{"message": {"content": f"é{secret}é"}}]}},
    "status message": lambda secret: {"status_message": f"401 for {secret}"},
    "stack trace": lambda secret: {
        "error": {"type": "E", "message": secret, "stack": f'  File "x.py"\n    {secret}\n'}
    },
    "tag": lambda secret: {"tags": ["signal:BUY", secret]},
    "name": lambda secret: {"name": f"call {secret}"},
    "metadata": lambda secret: {"metadata": {"note": {"deep": [secret]}}},
    "scope": lambda secret: {"session_id": secret, "user_id": secret, "tenant_id": secret},
    "signal": lambda secret: {"signal": {"action": "BUY", "reasoning": secret}},
    "process": lambda secret: {"process": {"pid": 7, "host": secret}},
    "cut field": lambda secret: {
        "truncated": [{"path": f"input.{secret}", "kept": 1, "of": 2, "unit": "bytes"}]
    },
    "JSON in a string": lambda secret: {
        "output": json.dumps({"arguments": json.dumps({"text": f"x\n{secret}"})})
    },
    "after an escaped quotation mark": lambda secret: {"input": f'he said "{secret}" twice'},
    "after a line break": lambda secret: {"input": f"first line\n{secret}\nthird line"},
    "after a colour": lambda secret: {"output": f"\x1b[31m{secret}\x1b[0m"},
    "beside other scripts": lambda secret: {"input": f"鍵は{secret}です"},
}


def redacted(fields: dict[str, object]) -> dict[str, object]:
    line = orjson.dumps(RECORD | fields) + b"\n"
    once = REDACTOR.redact_line(line)
    assert once.endswith(b"\n") and once.count(b"\n") == 1
    assert REDACTOR.redact_line(once) is once
    result: dict[str, object] = orjson.loads(once)
    return result


@pytest.mark.parametrize("rule", sorted(PLANTED))
@pytest.mark.parametrize("place", PLACES)
def test_secret_of_every_rule_is_found_in_every_place(rule: str, place: str) -> None:
    planted = PLANTED[rule]
    result = redacted(PLACES[place](planted.text))
    written = json.dumps(result, ensure_ascii=False)
    assert not [secret for secret in planted.secrets if secret in written]
    assert result["redactions"]
    assert {key: result[key] for key in RECORD} == RECORD


@pytest.mark.parametrize("rule", [rule for rule, planted in PLANTED.items() if planted.structure is not None])
def test_secret_in_its_structure_is_found(rule: str) -> None:
    planted = PLANTED[rule]
    result = redacted({"input": {"args": [planted.structure]}, "metadata": {"x": planted.structure}})
    written = json.dumps(result)
    assert not [secret for secret in planted.secrets if secret in written]


def test_only_the_secret_is_replaced() -> None:
    text = "Bearer mF_9planted.B5f at postgres://desk:pl4nt3d@db/x?sslmode=on with password=hunter2&next=1"
    assert redacted({"input": text})["input"] == (
        "Bearer [redacted:bearer] at postgres://desk:[redacted:url-password]@db/x?sslmode=on "
        "with password=[redacted:password]&next=1"
    )


@pytest.mark.parametrize(
    ("url", "left"),
    [
        ("https://bob:s3@cr3t@x.io/@me", "https://bob:[redacted:url-password]@x.io/@me"),
        ("redis://:pw@cache:6379/0", "redis://:[redacted:url-password]@cache:6379/0"),
        (r"amqp:\/\/u:p/w@mq", r"amqp:\/\/u:[redacted:url-password]@mq"),
        ("http://localhost:8080/@me", "http://localhost:8080/@me"),
        ("a://b:c@d a://e:f@g", "a://b:[redacted:url-password]@d a://e:[redacted:url-password]@g"),
    ],
)
def test_password_of_a_url_ends_where_the_host_begins(url: str, left: str) -> None:
    assert redacted({"input": url})["input"] == left


def test_fields_that_are_ours_are_never_changed() -> None:
    ours = {
        "usage": {"input": 3, "password": 4},
        "cost": {"source": KEY},
        "trace_id": HEX,
        "parent_id": HEX[:16],
    }
    result = redacted({**ours, "input": KEY})
    assert {name: result[name] for name in ours} == ours


@pytest.mark.parametrize(
    "text",
    [
        '{"a": ["[[redacted:solana-keypair]]=x9"]}',
        r'[{"\"seed phrase: [redacted:seed-phrase]\"": null}]',
        "[redacted:api-key]: abc-123-def",
        "login with password=[redacted:password]",
    ],
)
def test_mark_is_not_taken_for_a_telling_name(text: str) -> None:
    assert redacted({"input": {"x": text, text: 1}})["input"] == {"x": text, text: 1}


def test_redactions_name_rule_and_path_and_never_the_text() -> None:
    result = redacted({"input": {"messages": [{}, {"content": f"use {KEY}"}], KEY: {"password": "hunter2"}}})
    assert result["redactions"] == [
        {"rule": "openai", "path": "input.[redacted:openai]"},
        {"rule": "password", "path": "input.[redacted:openai].password"},
        {"rule": "openai", "path": "input.messages[1].content"},
    ]


def test_redactions_of_an_earlier_pass_are_kept() -> None:
    earlier = [{"rule": "custom", "path": "output"}]
    assert redacted({"redactions": earlier, "name": KEY})["redactions"] == [
        *earlier,
        {"rule": "openai", "path": "name"},
    ]


def test_two_secret_keys_do_not_swallow_one_another() -> None:
    result = redacted({"input": {KEY: 1, KEY + "X": 2}})
    assert result["input"] == {"[redacted:openai]": 1, "[redacted:openai] (2)": 2}


def test_adjacent_secrets_are_all_found() -> None:
    assert HEX not in json.dumps(redacted({"input": f"{HEX},{HEX} {HEX}\n{HEX}"}))


@pytest.mark.parametrize(
    "phrase",
    [
        PHRASE.upper(),
        PHRASE.replace(" ", "\n"),
        PHRASE.replace(" ", ", "),
        "\n".join(f"{at}. {word}" for at, word in enumerate(PHRASE.split(), 1)),
        " ".join(f"{at}) {word}" for at, word in enumerate(PHRASE.split(), 1)),
        PHRASE.split(),
        {str(at): word for at, word in enumerate(PHRASE.split())},
        json.dumps(PHRASE.split()),
        json.dumps({"words": json.dumps(PHRASE.split(), indent=2)}),
        f"market news today {PHRASE} and more words follow here",
    ],
    ids=str,
)
def test_seed_phrase_is_found_however_it_is_written(phrase: object) -> None:
    result = redacted({"input": {"said": phrase}})
    assert [note["rule"] for note in result["redactions"]] == ["mnemonic"]  # type: ignore[attr-defined]
    assert "sausage" not in json.dumps(result).lower()


@pytest.mark.parametrize(
    "text",
    [
        r'{"arguments": "{\"password\": \"hun\\\"ter2!secret\"}"}',
        "password: 'hun\"ter2!secret'",
        "--db-password ter2!secret --verbose",
        "MYSQL_PASSWORD=ter2!secret\nHOME=/root",
        '{"env": "A=1\\nDB_PASSWORD=ter2!secret\\nHOME=/root"}',
        "<password>ter2!secret</password>",
        "[('password', 'ter2!secret'), ('user', 'x')]",
        "my password is ter2!secret, remember it",
        "https://x.io/login?user=a&password=ter2!secret&next=1",
        "password=[redacted:password]ter2!secret",
        "self.password = 'ter2!secret'",
        "PASSWORD: ter2!secret",
        "userPassword=ter2!secret",
    ],
)
def test_password_in_a_text_is_hidden_to_its_end(text: str) -> None:
    assert "ter2!secret" not in json.dumps(redacted({"input": text}))


def test_json_in_a_string_stays_json() -> None:
    arguments = json.dumps({"api_key": "k-12345", "symbol": "BTC", "nested": json.dumps({"secret": "s-678"})})
    result = redacted({"output": {"arguments": arguments}})
    inner = json.loads(result["output"]["arguments"])  # type: ignore[index]
    assert inner["symbol"] == "BTC"
    assert json.loads(inner["nested"]) == {"secret": "[redacted:secret]"}


@pytest.mark.parametrize(
    "key", ["hash", "tx_hash", "transactionHash", "blockHash", "signature", "orderId", "private_key_hash"]
)
def test_long_number_named_as_harmless_stays(key: str) -> None:
    assert redacted({"output": {key: "0x" + HEX}})["output"] == {key: "0x" + HEX}


@pytest.mark.parametrize("key", ["wallet", "value", "hash_signing_key", "note", "order_signer"])
def test_long_number_named_otherwise_is_hidden(key: str) -> None:
    assert HEX not in json.dumps(redacted({"output": {key: "0x" + HEX}}))


def test_label_may_be_the_field_beside_the_value() -> None:
    log = [{"name": "txHash", "value": HEX}, {"name": "signer", "value": HEX}]
    output = redacted({"output": log})["output"]
    assert output[0]["value"] == HEX and output[1]["value"] == "[redacted:ethereum-private-key]"  # type: ignore[index]


def test_label_of_one_field_does_not_excuse_its_neighbour() -> None:
    assert HEX not in json.dumps(redacted({"output": {"tx_hash": "", "x": HEX}}))


def test_truncated_pem_is_hidden_from_both_ends() -> None:
    body = "MIIEvQIBADANplanted+/=\nb2Zm"
    for text in (f"-----BEGIN PRIVATE KEY-----\n{body}", f"{body}\n-----END PRIVATE KEY-----"):
        assert "planted" not in json.dumps(redacted({"input": text}))


def test_line_that_is_not_json_is_refused() -> None:
    for line in (b'{"input": "sk-proj-pLaNtEd7Yh8Uj9Ik0Ol"\n', b'["sk-proj-pLaNtEd7Yh8Uj9Ik0Ol"]\n'):
        with pytest.raises(ValueError):
            REDACTOR.redact_line(line)


def test_record_too_deep_to_write_keeps_only_what_identifies_it() -> None:
    deep = (
        b'{"v":1,"id":"00f067aa0ba902b7","name":"n","input":'
        + b"[" * 600
        + b'"'
        + KEY.encode()
        + b'"'
        + b"]" * 600
        + b"}\n"
    )
    assert orjson.loads(REDACTOR.redact_line(deep)) == {
        "v": 1,
        "id": "00f067aa0ba902b7",
        "name": "n",
        "redactions": [{"rule": "unreadable", "path": ""}],
    }


def test_text_for_people_is_redacted_too() -> None:
    assert REDACTOR.redact_text(f"failed with {KEY}.") == "failed with [redacted:openai]."
    text = "nothing to hide"
    assert REDACTOR.redact_text(text) is text


def test_clean_line_is_the_very_same_object() -> None:
    line = (
        orjson.dumps(RECORD | {"input": {"messages": [{"role": "user", "content": "Buy BTC?"}], "seed": 42}})
        + b"\n"
    )
    assert REDACTOR.redact_line(line) is line
