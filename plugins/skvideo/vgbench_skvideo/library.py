"""A private copy of scikit-video's metric modules that works on today's NumPy and SciPy.

The release 1.1.11 asks for names that NumPy and SciPy have since dropped. Its files are loaded a second time, under a name of this
package, and only those modules are handed the names they miss: through the import function in their own built-ins. `numpy`, `scipy`
and a `skvideo` that anyone else imports stay as they are; nothing of the library's video reading, which looks for ffmpeg, is run.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import find_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray
from PIL import Image

_COPY = f"{__package__}.scikit_video"
_FILTERS = {"nearest": Image.Resampling.NEAREST, "bilinear": Image.Resampling.BILINEAR, "bicubic": Image.Resampling.BICUBIC}


@cache
def library(module: str) -> ModuleType:
    """A module of scikit-video, such as "measure.niqe", in the private copy.

    ImportError: scikit-video is not installed.
    """
    if _COPY not in sys.modules:
        spec = find_spec("skvideo")
        if spec is None or spec.submodule_search_locations is None:
            raise ImportError("scikit-video is not installed: pip install scikit-video==1.1.11")
        root = Path(next(iter(spec.submodule_search_locations)))
        sys.meta_path.insert(0, _Finder(root))
        for name, path in ((_COPY, root), (f"{_COPY}.measure", root / "measure")):
            package = ModuleType(name)  # their own __init__ files would load the whole library
            package.__path__ = [str(path)]
            sys.modules[name] = package
    return import_module(f"{_COPY}.{module}")


def imresize(image: NDArray[Any], size: float, interp: str = "bilinear", mode: str | None = None) -> NDArray[np.float32]:
    """What `scipy.misc.imresize` did with mode "F": float pixels through Pillow, an integer size in percent, a float as a factor."""
    factor = size / 100 if isinstance(size, int) else size
    assert mode == "F", mode
    picture = Image.fromarray(np.asarray(image, dtype=np.float32))
    return np.asarray(picture.resize((int(picture.width * factor), int(picture.height * factor)), _FILTERS[interp]))


class _Patched(ModuleType):
    """A module with some names added; everything else is the original's."""

    def __init__(self, original: ModuleType, **added: Any) -> None:
        super().__init__(original.__name__)
        self.__dict__.update(added, _original=original)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._original, name)


_NUMPY = _Patched(np, float=float, int=int, bool=bool, product=np.prod)
_SCIPY = _Patched(scipy, misc=_Patched(ModuleType("scipy.misc"), imresize=imresize))


def _import(
    name: str,
    names: Mapping[str, object] | None = None,
    local_names: Mapping[str, object] | None = None,
    wanted: Sequence[str] | None = (),
    level: int = 0,
) -> Any:
    if level == 0 and name == "numpy":
        return _NUMPY
    if level == 0 and name.split(".", maxsplit=1)[0] == "scipy":
        if name != "scipy.misc":
            import_module(name)
        return _SCIPY
    return builtins.__import__(name, names, local_names, tuple(wanted or ()), level)


class _Loader(SourceFileLoader):
    """Runs a module with an import function of its own."""

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["__builtins__"] = {**vars(builtins), "__import__": _import}
        super().exec_module(module)


class _Finder(MetaPathFinder):
    """Finds the files of the copy, and nothing else."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        if not fullname.startswith(f"{_COPY}."):
            return None
        place = self._root.joinpath(*fullname.removeprefix(f"{_COPY}.").split("."))
        if place.is_dir():
            file = place / "__init__.py"
            return spec_from_file_location(fullname, file, loader=_Loader(fullname, str(file)), submodule_search_locations=[str(place)])
        file = place.with_suffix(".py")
        return spec_from_file_location(fullname, file, loader=_Loader(fullname, str(file)))
