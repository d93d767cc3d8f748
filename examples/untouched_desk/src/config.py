"""Where the providers answer and which model is asked of each. The keys are nobody's: a local server answers."""

MODELS = {
    "openai": "gpt-4o-mini",
    "claude": "claude-3-5-haiku-latest",
    "deepseek": "deepseek-chat",
    "groq": "llama-3.3-70b-versatile",
    "gemini": "gemini-2.0-flash",
    "ollama": "llama3.2",
    "xai": "grok-3-mini",
    "openrouter": "mistralai/mistral-small-24b-instruct-2501",
}
API_KEY = "local"
TIMEOUT_S = 10.0
DAYS_SHOWN = 30

_servers = {"url": ""}


def use_server(url: str) -> None:
    """Ask this server from now on, whatever the provider."""
    _servers["url"] = url


def url_of(provider: str, path: str = "") -> str:
    """The address of a provider's API."""
    return f"{_servers['url']}/{provider}{path}"
