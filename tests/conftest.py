"""What all tests share: property tests have no deadlines, because machines are shared and noisy."""

from hypothesis import settings

settings.register_profile("bellkeeper", deadline=None)
settings.load_profile("bellkeeper")
