import hashlib
from pathlib import Path

import pytest

from exojax.errors import InputError
from exojax.storage import checksum


def test_file_is_its_sha256_and_follows_changes(tmp_path: Path) -> None:
    path = tmp_path / "a"
    for content in (b"one", b"three"):
        path.write_bytes(content)
        for _ in range(2):
            assert checksum.of_file(path) == hashlib.sha256(content).hexdigest()
    with pytest.raises(InputError, match="no such file"):
        checksum.of_file(tmp_path / "b")


def test_folder_depends_on_content_and_on_sorted_names_only() -> None:
    one, two = "1" * 64, "2" * 64
    folder = checksum.of_folder({"exoTest.csv": one, "exoTrain.csv": two})
    assert folder == checksum.of_folder({"exoTrain.csv": two, "exoTest.csv": one})
    assert folder == hashlib.sha256(f"{one}\n{two}".encode()).hexdigest()
    assert folder != checksum.of_folder({"exoTest.csv": two, "exoTrain.csv": one})
