"""Redaction rules for names that tell: what stands under `password` is a secret whatever it looks like.

`names` are endings, `_` where a name may be divided, a space where it must be: `api_key` stands for
`OPENAI_API_KEY`, `x-api-key`, `apikey` and `openaiApiKey`, while `api_key_id` and `max_tokens` end otherwise. An
ending begins where a word begins.
"""

from agent_trace.recording.redaction.rule import Rule

_ISSUERS = (
    "openai anthropic cohere gemini mistral groq deepseek together perplexity azure elevenlabs serpapi newsapi "
    "binance bybit okx kraken coinbase kucoin bitget gateio huobi htx bitfinex bitmex deribit mexc alpaca ibkr oanda "
    "polygon finnhub tiingo alphavantage coingecko coinmarketcap etherscan infura alchemy helius quicknode birdeye"
)
_TOKEN_KINDS = (
    "access refresh auth session api bearer bot security oauth csrf xsrf jwt personal sas app service deploy device "
    "push verification reset invite webhook id secret github gitlab gh hf huggingface huggingfacehub slack telegram "
    "tg discord npm pypi vault databricks replicate notion linear sentry cloudflare vercel heroku"
)
_PASS_KINDS = "db user smtp mail root admin redis mysql postgres pg"


def _words(names: str) -> tuple[str, ...]:
    return tuple(names.split())


def _each(kinds: str, ending: str) -> tuple[str, ...]:
    return tuple(f"{kind} {ending}" for kind in kinds.split())


NAME_RULES = (
    Rule(
        "password",
        "values named password, passwd, pwd, passphrase, passcode, db_pass …",
        "",
        (
            {"password": "hunter2"},
            {"db": {"DB_PASSWD": 12345}},
            {"PGPASSWORD": "hunter2"},
            ["psql", "--password", "hunter2", "--host", "localhost"],
            {"newPassword": ["hunter2", "hunter3"]},
            "password=hunter2",
            "connect --password hunter2 --verbose",
            'he sent {"passphrase": "correct horse"} to me',
            "<Password>hunter2</Password>",
        ),
        (
            {"password": None, "passwordless": "yes", "password_hash_rounds": 12},
            {"password": {"type": "string", "description": "as chosen by the user"}},
            "PWD=/home/desk",
            "def login(user: str, password: str) -> None:",
            "Your password must be long. Password: ********",
            "the password is too short",
        ),
        names=(
            *_words(
                "password passwords passwd pwd passphrase passcode dbpassword userpassword adminpassword mypassword "
                "pgpassword mysqlpassword redispassword rootpassword"
            ),
            *_each(_PASS_KINDS, "pass"),
        ),
    ),
    Rule(
        "api-key",
        "values named api_key, access_key, account_key, encryption_key, and `BINANCE_KEY` for the usual issuers",
        "",
        (
            {"api_key": "abc-123"},
            {"X-MBX-APIKEY": "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"},
            'export COHERE_API_KEY="Zk3vQ9xLmN7bR2tY"',
            r'{"arguments": "{\"api_key\": \"abc-123\"}"}',
            [["x-api-key", "abc-123"], ["accept", "*/*"]],
            {"name": "apikey", "value": "abc-123"},
            "https://api.example.com/v1?apikey=abc123&symbol=BTC",
            {"BINANCE_KEY": "abc-123"},
        ),
        (
            {"api_key_id": "key 7", "cache_key": "BTC", "api_key": ""},
            'api_key = os.environ["OPENAI_API_KEY"]',
            "api_key=YOUR_API_KEY",
            "api_key: str | None = None",
            {"required": ["api_key", "symbol"]},
        ),
        names=(
            *_words(
                "api_key api_keys access_key account_key subscription_key master_key encryption_key shared_key"
            ),
            *_words("auth_key service_key service_role_key admin_key license_key ssh_key deploy_key"),
            *_each(_ISSUERS, "key"),
        ),
    ),
    Rule(
        "secret",
        "values named secret, client_secret, api_secret, secret_key, aws_secret_access_key …",
        "",
        (
            {"client_secret": "s3cr3t"},
            {"aws_secret_access_key": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"},
            "secret: wJalrXUtnFEMI",
            "export BINANCE_SECRET_KEY=NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
        ),
        (
            {"secret": False, "secretary": "Ann", "secret_name": "db"},
            "the secret of trading",
            "Secretary: Ann",
        ),
        names=_words(
            "secret secrets secret_key secret_key_base secret_access_key client_secret api_secret app_secret"
        ),
    ),
    Rule(
        "private-key",
        "values named private_key, priv_key, wallet_key, signing_key, keypair …",
        "",
        (
            {"private_key": "0xabc"},
            {"walletKey": [1, 2, 3]},
            {"keypair": "abc"},
            "PRIVATE_KEY=abcdef0123",
            "private key: 5KJvsngHeMpm884wtkJNzQGaCErckhHJBGFsvd3VyK5qMZXj3hS",
        ),
        ({"private_key_id": "7", "public_key": "abc", "is_private": "yes"}, "a private key opens a wallet"),
        names=_words("private_key private_keys priv_key wallet_key signing_key signer_key key_pair"),
    ),
    Rule(
        "token",
        "values named access_token, refresh_token, auth_token, session_token, bot_token … (never counts of tokens)",
        "",
        (
            {"access_token": "abc.def"},
            {"TELEGRAM_BOT_TOKEN": "abcdef"},
            "refresh_token=abc-def",
            '{"sessionToken": "abc def"}',
        ),
        (
            {"max_tokens": 512, "prompt_tokens": 7, "token_count": 7, "tokens": 9, "next_page_token": "abc"},
            {
                "token": "USDC",
                "token_address": "0x52908400098527886E0F7030069857D2E4169EE7",
                "session_tokens": 900,
            },
            "max_tokens=512",
            "page_token: abc",
        ),
        names=_each(_TOKEN_KINDS, "token"),
    ),
    Rule(
        "seed-phrase",
        "values named mnemonic, seed_phrase, recovery_phrase; and seed, unless it is a number",
        "",
        (
            {"mnemonic": "abandon ability able"},
            {"seedPhrase": ["abandon", "ability"]},
            "seed phrase: abandon ability able about",
            {"seed": "000102030405060708090a0b0c0d0e0f"},
            {"seed": "correct horse battery staple"},
            "MNEMONIC='abandon ability able'",
        ),
        (
            {"seed": 42, "seeds": [1, 2]},
            {"seed": "42"},
            {"seed": "run-7"},
            "seed: the number that fixes what a run draws",
            "seed=42",
            "random seed: 42",
            "a mnemonic helps memory",
        ),
        names=(
            *_words("mnemonic mnemonics mnemonic_phrase mnemonic_words seed_phrase seed_words seed seeds"),
            *_words("recovery_phrase recovery_words secret_phrase secret_recovery_phrase backup_phrase"),
        ),
    ),
    Rule(
        "authorization",
        "the Authorization and Proxy-Authorization headers",
        "",
        (
            {"headers": {"Authorization": "Token abc"}},
            [["Authorization", "abc"], ["Accept", "*/*"]],
            {"name": "authorization", "value": "abc"},
            {"value": "abc", "enabled": True, "key": "Authorization"},
            "GET / HTTP/1.1\nAuthorization: Token abc9\nAccept: */*",
            "curl -H 'Authorization: ApiKey abc9' https://x.io",
        ),
        (
            {"authorization": None, "authorization_url": "https://x.io"},
            "authorization is needed",
            "Authorization:\n",
        ),
        names=_words("authorization"),
    ),
    Rule(
        "cookie",
        "the Cookie and Set-Cookie headers, cookie jars",
        "",
        (
            {"cookie": "sid=abc"},
            {"cookies": {"sid": "abc"}},
            "Set-Cookie: sid=abc; Path=/\nDate: today",
            [("set-cookie", "sid=abc"), ("date", "today")],
        ),
        ({"cookie_policy": "strict", "cookies": None}, "Cookie: chocolate", "accept all cookies: yes"),
        names=_words("cookie cookies"),
    ),
    Rule(
        "credentials",
        "values named credentials, creds, and `auth` with a pair of texts",
        "",
        ({"credentials": {"user": "a", "pin": "b"}}, {"creds": "a:b"}, {"auth": ["alice", "wonder"]}),
        (
            {"credentials": "include", "auth": "none", "credential_type": "user"},
            "credentials: include",
            {"auth": {}},
        ),
        names=_words("credential credentials creds auth basic_auth"),
    ),
)
