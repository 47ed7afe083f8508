"""What all tests share."""

from hypothesis import settings

# Machines are shared: a slow example says nothing, and a suite that fails now and then is none.
settings.register_profile("beamproof", deadline=None)
settings.load_profile("beamproof")
