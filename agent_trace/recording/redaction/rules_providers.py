"""Redaction rules for keys that their issuer made recognisable: model providers, clouds, chat, payment, code hosts."""

from agent_trace.recording.redaction.rule import EDGE, SHAPE, Found, Rule, Sign, Span, later, whole

_KEBAB = later(rb"[a-z]{2,4}(?:-[a-z]{1,14}){2,}")
_SLASH = r"\\*/"
_NODES = r"[/.](?:alchemy\.com|alchemyapi\.io|infura\.io|quiknode\.pro|ankr\.com)"


def unless_words(found: Found) -> tuple[Span, ...]:
    """`sk-learn-based-pipeline-names` are words joined by hyphens; a key has digits or capitals."""
    return () if _KEBAB().fullmatch(found.secret) else tuple(whole(found))


def _key(
    name: str, covers: str, starts: str, pattern: str, examples: tuple[str, ...], harmless: tuple[str, ...]
) -> Rule:
    return Rule(name, covers, f"{EDGE}(?P<secret>{pattern})", examples, harmless, starts=starts)


def _words_aside(rule: Rule) -> Rule:
    return rule._replace(verdict=unless_words, dismiss=lambda found: not unless_words(found))


_MODELS = (
    _key(
        "anthropic",
        "Anthropic keys (`sk-ant-`)",
        r"sk-",
        r"sk-ant-[0-9A-Za-z_-]{10,}",
        ("sk-ant-api03-9fK2mQ7xW4vB1nR8tY5u-AA", "x=sk-ant-admin01-Zx8Cv5Bn2Ma"),
        ("task-ant-colony", "sk-ant-"),
    ),
    _key(
        "openrouter",
        "OpenRouter keys (`sk-or-`)",
        r"sk-",
        r"sk-or-[0-9A-Za-z_-]{16,}",
        ("sk-or-v1-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",),
        ("sk-or-not", "desk-or-table-or-chair"),
    ),
    _key(
        "langfuse",
        "Langfuse secret keys (`sk-lf-`); the public key stays",
        r"sk-",
        r"sk-lf-[0-9A-Za-z-]{16,}",
        ("sk-lf-3f2b8a1c-9d4e-4f6a-8b7c-1d2e3f4a5b6c",),
        ("pk-lf-3f2b8a1c-9d4e-4f6a-8b7c-1d2e3f4a5b6c",),
    ),
    _key(
        "google",
        "Google API keys, OAuth tokens and client secrets (`AIza`, `ya29.`, `GOCSPX-`)",
        r"AIza|ya29\.|GOCSPX-",
        r"(?:AIza[0-9A-Za-z_-]{30,}|ya29\.[0-9A-Za-z_-]{20,}|GOCSPX-[0-9A-Za-z_-]{20,})",
        (
            "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
            "ya29.a0AfH6SMBx7Yq2Lk9Zp4Wc1Vn",
            "GOCSPX-1a2B3c4D5e6F7g8H9i0J",
        ),
        ("AIza is a prefix", "ya29"),
    ),
    _key(
        "huggingface",
        "Hugging Face tokens (`hf_`)",
        r"hf_",
        r"hf_[0-9A-Za-z]{20,}",
        ("hf_aBcDeFgHiJkLmNoPqRsTuVwXyZ012345",),
        ("hf_hub_download", "self.hf_model_name"),
    ),
    _key(
        "groq",
        "Groq keys (`gsk_`)",
        r"gsk_",
        r"gsk_[0-9A-Za-z]{20,}",
        ("gsk_aB3dE6gH9jK2mN5pQ8sT1vW4",),
        ("gsk_reports",),
    ),
    _key(
        "xai",
        "xAI keys (`xai-`)",
        r"xai-",
        r"xai-[0-9A-Za-z_-]{20,}",
        ("xai-Qw3eRt6yUi9oPa2sDf5gHj8k",),
        ("xai-grok",),
    ),
    _key(
        "perplexity",
        "Perplexity keys (`pplx-`)",
        r"pplx-",
        r"pplx-[0-9A-Za-z]{20,}",
        ("pplx-1a2b3c4d5e6f7a8b9c0d1e2f3a4b",),
        ("pplx-70b-online",),
    ),
    _key(
        "replicate",
        "Replicate tokens (`r8_`)",
        r"r8_",
        r"r8_[0-9A-Za-z]{20,}",
        ("r8_Zx9Cv8Bn7Mq6Wp5Er4Ty3Ui",),
        ("r8_speed",),
    ),
    _key(
        "model-tools",
        "NVIDIA, Tavily, Pinecone, LangSmith, Cerebras, Fireworks, E2B and Firecrawl keys",
        r"nvapi-|tvly-|pcsk_|lsv2_|csk-|fw_|e2b_|fc-",
        r"(?:nvapi-[0-9A-Za-z_-]{20,}|tvly-[0-9A-Za-z_-]{20,}|pcsk_[0-9A-Za-z_]{20,}|lsv2_[a-z]{2}_[0-9a-f_]{20,}"
        r"|csk-[0-9a-z]{20,}|fw_[0-9A-Za-z]{20,}|e2b_[0-9a-f]{20,}|fc-[0-9a-f]{32})",
        ("nvapi-Ab1Cd2Ef3Gh4Ij5Kl6Mn7", "lsv2_pt_0123456789abcdef0123456789abcdef_0123456789"),
        ("fw_version", "fc-layer", "e2b_sandbox"),
    ),
    # last: its pattern fits several of those above, which should give their own name
    _words_aside(
        _key(
            "openai",
            "OpenAI and compatible keys (`sk-`, `sk-proj-`, DeepSeek's, Moonshot's)",
            r"sk-",
            r"sk-[0-9A-Za-z_-]{16,}",
            ("sk-proj-Ab3dEf6hIj9kLm2nOp5qRs8t", "key sk-1234567890abcdef1234567890abcdef."),
            ("sk-learn-based-pipeline-for-momentum", "risk-management-of-positions", "sk-short"),
        )
    ),
)

_CLOUDS = (
    _key(
        "aws-access-key",
        "AWS access key ids (`AKIA`, `ASIA`)",
        r"A[KSBC][ICA]A",
        r"(?:AKIA|ASIA|ABIA|ACCA)[0-9A-Z]{16}\b",
        ("AKIAIOSFODNN7EXAMPLE", "ASIAJ5XYZ2KLMN7QRSTU"),
        ("AKIA", "AKIAlowercaseletters00"),
    ),
    Rule(
        "azure",
        "Azure account keys in connection strings and shared access signatures",
        rf"{EDGE}(?i:AccountKey|SharedAccessKey|sig)(?:=|%3D)(?P<secret>[0-9A-Za-z%+/]{{40,}}={{0,2}})",
        ("AccountName=a;AccountKey=" + "Zm9vYmFy0" * 9 + "==;", "?sv=2022&sig=" + "aB3%2F" * 10 + "%3D"),
        ("AccountKey=", "sig=ok"),
        gate=rf"{EDGE}(?i:AccountKey|SharedAccessKey|sig)(?:=|%3D)[0-9A-Za-z%+/]{{20}}",
        signs=tuple(
            Sign(name + to) for name in ("accountkey", "sharedaccesskey", "sig") for to in ("=", "%3d")
        ),
    ),
    _key(
        "databricks",
        "Databricks tokens (`dapi`)",
        r"dapi",
        r"dapi[0-9a-f]{32}",
        ("dapi0123456789abcdef0123456789abcdef",),
        ("dapi", "dapi-endpoint"),
    ),
    _key(
        "hosting",
        "DigitalOcean, HashiCorp Vault, Supabase, Shopify, Linear, Notion, Doppler, New Relic and Postman tokens",
        r"do[opr]_v1_|hv[sbr]\.|sbp_|sb_secret_|shp[a-z]{2}_|lin_api_|ntn_|dp\.|NRAK-|PMAK-",
        r"(?:do[opr]_v1_[0-9a-f]{40,}|hv[sbr]\.[0-9A-Za-z_-]{20,}|sbp_[0-9a-f]{40}|sb_secret_[0-9A-Za-z_-]{20,}"
        r"|shp(?:at|ca|pa|ss)_[0-9A-Fa-f]{32}|lin_api_[0-9A-Za-z]{20,}|ntn_[0-9A-Za-z]{30,}"
        r"|dp\.(?:pt|st|ct)\.[0-9A-Za-z_.-]{20,}|NRAK-[0-9A-Z]{20,}|PMAK-[0-9a-f-]{40,})",
        (
            "hvs.CAESIJ1a2b3c4d5e6f7g8h9i0j",
            "dop_v1_" + "0123456789abcdef" * 4,
            "lin_api_Ab1Cd2Ef3Gh4Ij5Kl6Mn7",
        ),
        ("hvs.status", "dop_v1_", "lin_api_key"),
    ),
)

_CODE = (
    _key(
        "github",
        "GitHub tokens (`ghp_`, `gho_`, `ghu_`, `ghs_`, `ghr_`, `github_pat_`)",
        r"gh[pousr]_|github_pat_",
        r"(?:gh[pousr]_[0-9A-Za-z]{20,}|github_pat_[0-9A-Za-z_]{22,})",
        ("ghp_aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2", "github_pat_11ABCDEFG0aBcDeFgHiJkL_mNoPqRsTuVwXyZ"),
        ("ghp_", "github_pat_", "github_pattern_matching"),
    ),
    _key(
        "gitlab",
        "GitLab tokens (`glpat-` and its kin)",
        r"gl[a-z]{2,5}-",
        r"gl(?:pat|dt|rt|cbt|ptt|ft|oas|soat|agent)-[0-9A-Za-z_-]{20,}",
        ("glpat-Xy7Zw4Vu1Ts8Rq5Po2Nm",),
        ("glpat-", "gitlab-runner-with-a-long-name"),
    ),
    _key(
        "npm",
        "npm tokens (`npm_`)",
        r"npm_",
        r"npm_[0-9A-Za-z]{36}",
        ("npm_aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV1wX2",),
        ("npm_config_cache",),
    ),
    _key(
        "pypi",
        "PyPI tokens (`pypi-`)",
        r"pypi-",
        r"pypi-[0-9A-Za-z_-]{40,}",
        ("pypi-AgEIcHlwaS5vcmcCJDFhMmIzYzRkLTVlNmYtN2E4Yi05YzBkLTFlMmYzYTRi",),
        ("pypi-publish", "pypi-server-behind-a-proxy"),
    ),
)

_MESSAGES = (
    _key(
        "slack",
        "Slack tokens (`xoxb-` and its kin, `xapp-`) and webhook URLs",
        r"xox[a-z]-|xapp-|hooks\.slack\.com",
        r"(?:xox[a-z]-[0-9A-Za-z-]{10,}|xapp-[0-9]-[0-9A-Za-z-]{10,}"
        rf"|hooks\.slack\.com{_SLASH}(?:services|workflows|triggers){_SLASH}[0-9A-Za-z/\\_-]{{16,}})",
        (
            "xoxb-123456789012-abcDEF123456",
            "https://hooks.slack.com/services/T0AB1CD2E/B0FG3HI4J/kLmN5oPqR6sTuV7wXyZ8",
        ),
        ("xoxb-", "https://hooks.slack.com/services/"),
    ),
    Rule(
        "telegram",
        "Telegram bot tokens",
        rf"(?:{EDGE}|bot)(?P<secret>[0-9]{{8,10}}:[0-9A-Za-z_-]{{35}})",
        (
            "123456789:AAF1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q",
            "/bot987654321:AAGh5kQ-wE_rT8yU1iO4pA7sD0fG3hJ6kL9/getMe",
        ),
        ("12345678:short", "at 10:30:55 and 123456789:"),
        signs=(SHAPE,),
    ),
    Rule(
        "discord",
        "Discord bot tokens and webhook URLs",
        rf"{EDGE}(?P<secret>[MNO][0-9A-Za-z_-]{{23,27}}\.[0-9A-Za-z_-]{{6}}\.[0-9A-Za-z_-]{{27,}}"
        rf"|discord(?:app)?\.com{_SLASH}api(?:{_SLASH}v[0-9]+)?{_SLASH}webhooks{_SLASH}[0-9]+{_SLASH}[0-9A-Za-z_-]{{20,}})",
        (
            "MTIzNDU2Nzg5MDEyMzQ1Njc4.GaBcDe.aB1cD2eF3gH4iJ5kL6mN7oP8qR9s",
            "https://discord.com/api/webhooks/123456789012345678/aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0",
        ),
        ("https://discord.com/api/webhooks/", "Momentum.is.good"),
        gate=rf"{EDGE}(?:[MNO][0-9A-Za-z_-]{{23,27}}\.[0-9A-Za-z_-]{{6}}\.|discord(?:app)?\.com\\*/api)",
        signs=(SHAPE, Sign("discord.com"), Sign("discordapp.com")),
    ),
    _key(
        "sendgrid",
        "SendGrid and Mailgun keys (`SG.`, `key-`)",
        r"SG\.|key-",
        r"(?:SG\.[0-9A-Za-z_-]{16,}\.[0-9A-Za-z_-]{16,}|key-[0-9a-f]{32}\b)",
        ("SG.aB1cD2eF3gH4iJ5kL6mN7o.pQ8rS9tU0vW1xY2zA3bC4dE5fG6", "key-0123456789abcdef0123456789abcdef"),
        ("SG.market.open", "key-value"),
    ),
    _key(
        "stripe",
        "Stripe keys (`sk_live_`, `rk_live_`, `sk_test_`, `whsec_`); publishable keys stay",
        r"[sr]k_(?:live|test)_|whsec_",
        r"(?:[sr]k_(?:live|test)_[0-9A-Za-z]{10,}|whsec_[0-9A-Za-z+/=]{16,})",
        ("sk_live_" + "51HxYzAb3dEf6GhIj", "rk_live_" + "9KlMnOp2QrStUv5W", "whsec_Ab1Cd2Ef3Gh4Ij5Kl6"),
        ("pk_live_" + "51HxYzAb3dEf6GhIj", "sk_live_", "whsec_"),
    ),
)

_CHAINS = (
    Rule(
        "rpc-url",
        "keys in the URL of a blockchain node (Alchemy, Infura, QuickNode, Ankr)",
        rf"{_NODES}{_SLASH}(?:(?:ws{_SLASH})?v[0-9]{_SLASH}|[a-z_]{{2,20}}{_SLASH})?(?P<secret>[0-9A-Za-z_-]{{20,}})",
        (
            "https://eth-mainnet.g.alchemy.com/v2/aB1cD2eF3gH4iJ5kL6mN7oP8qR9sT0uV",
            "wss://mainnet.infura.io/ws/v3/0123456789abcdef0123456789abcdef",
        ),
        ("https://docs.infura.io/api/networks", "https://www.alchemy.com/overviews"),
        gate=rf"{_NODES}{_SLASH}",
        signs=tuple(map(Sign, ("alchemy.com", "alchemyapi.io", "infura.io", "quiknode.pro", "ankr.com"))),
    ),
)

PROVIDER_RULES = (*_MODELS, *_CLOUDS, *_CODE, *_MESSAGES, *_CHAINS)
