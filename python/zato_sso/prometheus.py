"""A collector for `prometheus_client`, which then shows the metrics of an object beside those of your service.

```python
from prometheus_client import REGISTRY
from zato_sso.prometheus import Collector

REGISTRY.register(Collector(sso))
```

`pip install 'zato-sso[prometheus]'` brings the client along.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector as _Base
from prometheus_client.samples import Sample

from zato_sso._core import SSO, AsyncSSO, collect_metrics
from zato_sso.errors import BackendError

__all__ = ["Collector"]


class Collector(_Base):
    """The metrics of an object of either kind.

    Where there are several objects in a process, give each labels of its own: `Collector(sso, labels={"sso": "a"})`.
    Collecting blocks for as long as the database takes to count sessions, two seconds at most.
    """

    def __init__(self, sso: SSO | AsyncSSO, *, labels: Mapping[str, str] | None = None) -> None:
        """A collector for this object. The labels are added to each metric."""
        self._sso = sso
        self._labels = dict(labels or {})

    def describe(self) -> list[Metric]:
        """Nothing, so that registering does not collect."""
        return []

    def collect(self) -> Iterator[Metric]:
        """All metrics. Of an object that is closed, or cannot be opened, only that it is not up."""
        try:
            text = collect_metrics(self._sso)
        except BackendError:
            down = GaugeMetricFamily(
                "zato_sso_database_up", "Whether the database has answered.", labels=list(self._labels)
            )
            down.add_metric(list(self._labels.values()), 0)
            yield down
            return
        for family in text_string_to_metric_families(text):
            if self._labels:
                family.samples = [
                    Sample(sample.name, {**sample.labels, **self._labels}, *sample[2:]) for sample in family.samples
                ]
            yield family
