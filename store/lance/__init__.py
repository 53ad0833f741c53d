"""LanceDB: the only room that imports it."""
