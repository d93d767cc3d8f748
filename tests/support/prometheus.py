"""What Prometheus would read: the text of a scrape, parsed by its own client library."""

from pathlib import Path
from urllib.request import urlopen

from prometheus_client.parser import text_string_to_metric_families

from agent_trace.metrics.serving import text_of
from tests.support.segments import write_segment

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def parsed(text: str) -> Samples:
    """Every sample of a scrape; two of the same name and labels are an error, as they are for Prometheus."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            assert key not in found, key
            found[key] = sample.value
    return found


def value(samples: Samples, name: str, **labels: str) -> float | None:
    """The sample with exactly these labels."""
    return samples.get((name, frozenset(labels.items())))


def total(samples: Samples, name: str, **labels: str) -> float:
    """The sum of all samples with these labels, whatever others they have."""
    return sum(
        found for (each, given), found in samples.items() if each == name and labels.items() <= set(given)
    )


def samples_of(directory: Path) -> Samples:
    """The metrics of a store."""
    return parsed(text_of(directory))


def counted(directory: Path, *records: object) -> Samples:
    """The metrics of a store of these records."""
    write_segment(directory, records)  # type: ignore[arg-type]
    return samples_of(directory)


def scraped(port: int) -> Samples:
    """One scrape over HTTP."""
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        return parsed(answer.read().decode())
