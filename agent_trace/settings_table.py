"""The settings table: every setting with its name, variables, kind of value, default and meaning. Reads nothing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from agent_trace.setting_values import (
    amount,
    boolean,
    compression,
    count,
    days,
    directory,
    headers,
    names,
    pairs,
    patterns,
    seconds,
    share,
    size,
    table,
    url,
)

STORE_NAME: Final = ".agent_trace"

# No setting, and in no file: it is asked for by an import, and files are read at the first traced call.
COMPILED: Final = "AGENT_TRACE_COMPILED"


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table. `variables` are tried in order; `read` turns text into the value or raises ValueError."""

    name: str
    variables: tuple[str, ...]
    read: Callable[[str], Any]
    default: Any
    meaning: str
    secret: bool = False


TABLE: Final[tuple[Setting, ...]] = (
    Setting(
        "enabled",
        ("ENABLE_LANGFUSE",),
        boolean,
        True,
        "Record at all. Off costs under a microsecond a call.",
    ),
    Setting(
        "directory",
        ("AGENT_TRACE_DIR",),
        directory,
        None,
        f"Where observations are kept. Default: `{STORE_NAME}` at the project's root.",
    ),
    Setting("public_key", ("LANGFUSE_PUBLIC_KEY",), str, None, "Langfuse project key, `pk-lf-…`."),
    Setting(
        "secret_key", ("LANGFUSE_SECRET_KEY",), str, None, "Langfuse secret key, `sk-lf-…`.", secret=True
    ),
    Setting(
        "base_url",
        ("LANGFUSE_BASE_URL", "LANGFUSE_HOST"),
        str,
        "https://cloud.langfuse.com",
        "Where Langfuse answers.",
    ),
    Setting(
        "flush_interval_s",
        ("LANGFUSE_FLUSH_INTERVAL",),
        seconds,
        5.0,
        "Seconds between two deliveries to a backend, when there is something to deliver.",
    ),
    Setting(
        "capture_input", ("LANGFUSE_CAPTURE_INPUT",), boolean, True, "Record the arguments of traced calls."
    ),
    Setting(
        "capture_output", ("LANGFUSE_CAPTURE_OUTPUT",), boolean, True, "Record what traced calls return."
    ),
    Setting(
        "max_field_bytes",
        ("AGENT_TRACE_MAX_FIELD_BYTES",),
        size,
        1 << 20,
        "Longest input or output that is kept whole, in bytes of JSON; what is longer is cut and says so.",
    ),
    Setting(
        "max_nodes",
        ("AGENT_TRACE_MAX_NODES",),
        count,
        20_000,
        "Most values (numbers, strings, containers) kept of one input or output.",
    ),
    Setting(
        "max_depth", ("AGENT_TRACE_MAX_DEPTH",), count, 32, "Deepest nesting kept of one input or output."
    ),
    Setting(
        "segment_bytes",
        ("AGENT_TRACE_SEGMENT_BYTES",),
        size,
        8 << 20,
        "Size at which a journal file is rotated.",
    ),
    Setting(
        "max_store_bytes",
        ("AGENT_TRACE_MAX_STORE_BYTES",),
        size,
        5 << 30,
        "Size of all journal files above which the oldest are removed.",
    ),
    Setting(
        "max_age_days",
        ("AGENT_TRACE_MAX_AGE_DAYS",),
        days,
        None,
        "Days after which a journal file is removed, when the next one is begun. Default: never.",
    ),
    Setting(
        "fsync_s",
        ("AGENT_TRACE_FSYNC_S",),
        seconds,
        None,
        "Seconds between two forced writes to the device, against power loss. Default: the kernel decides.",
    ),
    Setting(
        "threads",
        ("AGENT_TRACE_THREADS",),
        boolean,
        True,
        "Carry the current trace into threads and thread pools.",
    ),
    Setting("quiet", ("AGENT_TRACE_QUIET",), boolean, False, "Print no notices on stderr."),
    Setting("redact_off", ("AGENT_TRACE_REDACT_OFF",), names, (), "Redaction rules to switch off, by name."),
    Setting(
        "redact_rules",
        ("AGENT_TRACE_REDACT_RULES",),
        patterns,
        {},
        "Redaction rules of your own, `name = pattern` (RE2 syntax), one a line.",
    ),
    Setting(
        "environment",
        ("AGENT_TRACE_ENVIRONMENT", "LANGFUSE_TRACING_ENVIRONMENT"),
        str,
        None,
        "Name of the deployment (`production`, `staging`), kept with each observation.",
    ),
    Setting(
        "release",
        ("AGENT_TRACE_RELEASE", "LANGFUSE_RELEASE"),
        str,
        None,
        "Version of your program, kept with each observation.",
    ),
    Setting(
        "service_name", ("OTEL_SERVICE_NAME",), str, None, "Name of your program, kept with each observation."
    ),
    Setting(
        "resource_attributes",
        ("OTEL_RESOURCE_ATTRIBUTES",),
        pairs,
        {},
        "What else is said of the program to a backend. `service.name`, `deployment.environment.name` and "
        "`service.version` stand in for `service_name`, `environment` and `release` where those are not set.",
    ),
    Setting(
        "otlp_endpoint",
        ("OTEL_EXPORTER_OTLP_ENDPOINT",),
        url,
        None,
        "An OpenTelemetry collector to deliver to; `/v1/traces` is added. Default: none.",
    ),
    Setting(
        "otlp_traces_endpoint",
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",),
        url,
        None,
        "The same, as the whole URL; goes before `otlp_endpoint`.",
    ),
    Setting(
        "otlp_headers",
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"),
        headers,
        {},
        "Headers sent to the collector, such as `Authorization=Basic%20…`.",
        secret=True,
    ),
    Setting(
        "otlp_protocol",
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"),
        str,
        "http/protobuf",
        "How the collector is spoken to. Nothing is delivered to it with another value than the default.",
    ),
    Setting(
        "otlp_compression",
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"),
        compression,
        "none",
        "Whether what goes to the collector is compressed.",
    ),
    Setting(
        "otlp_certificate",
        ("OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"),
        str,
        None,
        "A PEM file of the certificates that the collector's own is checked by. Default: that of "
        "`REQUESTS_CA_BUNDLE`, or those that come with `certifi`.",
    ),
    Setting(
        "sample_rate",
        ("AGENT_TRACE_SAMPLE_RATE", "LANGFUSE_SAMPLE_RATE"),
        share,
        1.0,
        "Share of the traces that are delivered, from 0 to 1. All stay on this machine, and those with an error or a "
        "signal are always delivered.",
    ),
    Setting(
        "sample_slow_s",
        ("AGENT_TRACE_SAMPLE_SLOW_S",),
        seconds,
        None,
        "Duration above which a trace is delivered whatever `sample_rate` says. Default: none.",
    ),
    Setting(
        "sample_cost",
        ("AGENT_TRACE_SAMPLE_COST",),
        amount,
        None,
        "Cost above which a trace is delivered whatever `sample_rate` says. Default: none.",
    ),
    Setting(
        "prices",
        ("AGENT_TRACE_PRICES",),
        table,
        None,
        "Prices of your own, by model pattern and date. Default: those of the price table.",
    ),
    Setting(
        "budgets",
        ("AGENT_TRACE_BUDGETS",),
        table,
        None,
        "What a tenant, an agent or a model may cost in an hour, a day, a month. Default: no limits.",
    ),
    Setting(
        "max_label_values",
        ("AGENT_TRACE_MAX_LABEL_VALUES",),
        count,
        200,
        "Most tenants, agents, models, … that metrics have series of their own for; the rest is counted as `other`.",
    ),
    Setting(
        "instrument",
        ("AGENT_TRACE_INSTRUMENT",),
        names,
        (),
        "Entry points that `agent-trace run` attaches to, as `package.module:Class.method`.",
    ),
)
