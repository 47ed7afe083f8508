"""No verdict hangs on order or company: `make orders`, a sample of it in the live tests."""
