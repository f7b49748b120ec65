# conftest.py - where the package under test is: PYTHONPATH, set by CMake to the build's package; by hand, the newest build's
# SPDX-License-Identifier: Apache-2.0
import os
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent

try:
    import tessera  # noqa: F401
except ModuleNotFoundError:
    builds = [p for p in (ROOT / "build").glob("*/python") if (p / "tessera/__init__.py").exists()]
    place = max(builds, key=lambda p: p.stat().st_mtime, default=ROOT / "frontends/python/package")
    sys.path.insert(0, str(place))
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (str(place), os.environ.get("PYTHONPATH"))))
