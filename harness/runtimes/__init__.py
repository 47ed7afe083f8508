"""Where a VM comes from: a Docker image, an install on the host, Debian's packages."""
