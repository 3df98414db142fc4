"""Builds the compiled core by CMake, with the library inside of the package. (pip install .)

It takes a checkout of the whole repository, a C++ compiler, CMake, Ninja and nlohmann-json.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HOUSE = Path(__file__).resolve().parent.parent.parent

# What is made on the way stays out of the checkout.
scratch = tempfile.TemporaryDirectory(prefix="memshare-python-")


class BuildByCMake(build_ext):
    def build_extension(self, extension):
        folder = Path(self.build_temp).resolve()
        package = Path(self.get_ext_fullpath(extension.name)).resolve().parent
        subprocess.run(
            [
                "cmake", "-S", HOUSE, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                "-DMEMSHARE_ONLY_PYTHON=ON", f"-DPython3_EXECUTABLE={sys.executable}",
            ],
            check=True,
        )  # fmt: skip
        subprocess.run(["cmake", "--build", folder, "--target", "memshare_python"], check=True)
        package.mkdir(parents=True, exist_ok=True)
        for built in (*folder.glob("python/memshare/_core.*.so"), folder / "lib/libmemshare.so.0"):
            self.copy_file(str(built), str(package / built.name))


setup(
    ext_modules=[Extension("memshare._core", sources=[])],
    cmdclass={"build_ext": BuildByCMake},
    options={"build": {"build_base": scratch.name}, "egg_info": {"egg_base": scratch.name}},
)
