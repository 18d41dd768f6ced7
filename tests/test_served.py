"""The application of the web process."""

import gc

from portal.config import Settings
from portal.served import served_app


def test_served_application_when_built_then_the_collector_passes_it_over(settings: Settings) -> None:
    try:
        app = served_app(settings)
        assert gc.get_freeze_count() > 10_000
        assert not any(each is app for each in gc.get_objects())
    finally:
        gc.unfreeze()
