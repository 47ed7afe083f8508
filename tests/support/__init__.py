"""What several test folders share: small runs, fakes that speak the real protocols, machines."""
