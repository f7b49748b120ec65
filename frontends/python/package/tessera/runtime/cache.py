# cache.py - files of a compile, by key: on disk, or in somebody's remote store
# SPDX-License-Identifier: Apache-2.0
"""The cache as programs and plugins see it: a manager for a key reads and writes files and groups of files.
``TRITON_CACHE_MANAGER`` names another manager class, ``TRITON_REMOTE_CACHE_BACKEND`` a store for ``RemoteCacheManager``."""
from __future__ import annotations

import base64
import hashlib
import json
import os
from abc import ABC, abstractmethod

from tessera import knobs


class CacheManager(ABC):
    """Files under one key. ``dump`` and ``override`` choose the folders of those knobs in place of the cache."""

    def __init__(self, key, override=False, dump=False):
        pass

    @abstractmethod
    def get_file(self, filename):
        """The path of a stored file, or None."""

    @abstractmethod
    def put(self, data, filename, binary=True):
        """Stores bytes or text and returns the path."""

    @abstractmethod
    def get_group(self, filename):
        """The files of a group, name -> path, or None."""

    @abstractmethod
    def put_group(self, filename, group):
        """Stores which files (name -> path) belong together."""


class FileCacheManager(CacheManager):
    """Files in a folder. A file appears whole or not at all, also when several processes write it."""

    def __init__(self, key, override=False, dump=False):
        self.key = key
        base = knobs.cache.dump_dir if dump else knobs.cache.override_dir if override else knobs.cache.dir
        if not base:
            raise RuntimeError("Could not create or locate cache dir")
        self.cache_dir = os.path.join(base, key)
        self.lock_path = None
        if not override:
            self.lock_path = os.path.join(self.cache_dir, "lock")
            os.makedirs(self.cache_dir, exist_ok=True)

    def _make_path(self, filename):
        return os.path.join(self.cache_dir, filename)

    def has_file(self, filename):
        return os.path.exists(self._make_path(filename))

    def get_file(self, filename):
        return self._make_path(filename) if self.has_file(filename) else None

    def get_group(self, filename):
        path = self.get_file(f"__grp__{filename}")
        if path is None:
            return None
        with open(path) as f:
            children = json.load(f).get("child_paths")
        return None if children is None else {name: p for name, p in children.items() if os.path.exists(p)}

    def put_group(self, filename, group):
        return self.put(json.dumps({"child_paths": group}), f"__grp__{filename}", binary=False)

    def put(self, data, filename, binary=True):
        import tempfile
        assert self.lock_path is not None, "the override folder is only read"
        data = data if isinstance(data, bytes) else str(data).encode()
        handle, partial = tempfile.mkstemp(dir=self.cache_dir, prefix=f".{os.getpid()}.")
        try:
            with os.fdopen(handle, "wb") as f:
                f.write(data)
            os.replace(partial, self._make_path(filename))
        except BaseException:
            os.unlink(partial)
            raise
        return self._make_path(filename)


class RemoteCacheBackend:
    """A store elsewhere, for one key; derive from it and name the class in TRITON_REMOTE_CACHE_BACKEND."""

    def __init__(self, key):
        pass

    def get(self, filenames):
        """The stored ones of some files, name -> bytes."""
        raise NotImplementedError

    def put(self, filename, data):
        """Stores a file."""
        raise NotImplementedError


class RedisRemoteCacheBackend(RemoteCacheBackend):
    """A Redis server, as ``knobs.redis`` says; needs the package ``redis``."""

    def __init__(self, key):
        import redis
        self._key = key
        self._redis = redis.Redis(host=knobs.redis.host, port=knobs.redis.port)

    def _name(self, filename):
        return knobs.redis.key_format.format(key=self._key, filename=filename)

    def get(self, filenames):
        found = self._redis.mget([self._name(f) for f in filenames])
        return {name: data for name, data in zip(filenames, found) if data is not None}

    def put(self, filename, data):
        self._redis.set(self._name(filename), data)


class RemoteCacheManager(CacheManager):
    """A remote store, with the local folder as the place where its files become paths."""

    def __init__(self, key, override=False, dump=False):
        backend = knobs.cache.remote_manager_class
        if not backend:
            raise RuntimeError("Unable to instantiate RemoteCacheManager, TRITON_REMOTE_CACHE_BACKEND doesn't point to a valid "
                               "class")
        self._backend = backend(key)
        self._files = FileCacheManager(key, override=override, dump=dump)
        self._local = override or dump

    def get_file(self, filename):
        if self._local:
            return self._files.get_file(filename)
        data = self._backend.get([filename]).get(filename)
        return None if data is None else self._files.put(data, filename)

    def put(self, data, filename, binary=True):
        if not self._local:
            data = data if isinstance(data, bytes) else str(data).encode()
            self._backend.put(filename, data)
        return self._files.put(data, filename, binary=binary)

    def get_group(self, filename):
        if self._local:
            return self._files.get_group(filename)
        path = self.get_file(f"__grp__{filename}")
        if path is None:
            return None
        with open(path) as f:
            children = json.load(f).get("child_paths")
        if children is None:
            return None
        return {name: self._files.put(data, name) for name, data in self._backend.get(children).items()}

    def put_group(self, filename, group):
        if self._local:
            return self._files.put_group(filename, group)
        return self.put(json.dumps({"child_paths": sorted(group)}), f"__grp__{filename}")


def _base32(key):
    return base64.b32encode(bytes.fromhex(key)).decode().rstrip("=")


def _manager(key, **where):
    return (knobs.cache.manager_class or FileCacheManager)(_base32(key), **where)


def get_cache_manager(key):
    """The manager for a key, given in hexadecimal digits."""
    return _manager(key)


def get_override_manager(key):
    return _manager(key, override=True)


def get_dump_manager(key):
    return _manager(key, dump=True)


def make_so_cache_key(version_hash, signature, constants, ids, **kwargs):
    """A key for compiled C code of a signature."""
    kinds = ["ptr" if kind[0] == "*" else kind for kind in signature.values()]
    text = "-".join([f"{version_hash}-{''.join(kinds)}-{constants}-{ids}", *(str(value) for value in kwargs.values())])
    return _base32(hashlib.sha256(text.encode()).hexdigest())


def triton_key():
    """A text that changes with the compiler: it is part of every key."""
    from tessera.compiler.compiler import triton_key as key
    return key()


def get_cache_key(src, backend, backend_options, env_vars):
    return f"{triton_key()}-{src.hash()}-{backend.hash()}-{backend_options.hash()}-{sorted(env_vars.items())}"
