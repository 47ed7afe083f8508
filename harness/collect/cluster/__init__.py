"""Lanes on the workers of a Dask cluster, for `verify --cluster`.

`worker` is what runs there, `remote` its counterparts here, `connect` how one finds the other.
"""
