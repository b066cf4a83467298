"""Logs that other processes write stay bounded."""

from pathlib import Path

from node.observe.log_rotation import KEPT_LOGS, rotate_large_logs


def write(log: Path, lines: range) -> None:
    with log.open("ab") as output:
        output.writelines(f"line {number:04}\n".encode() for number in lines)


def test_a_writer_with_an_open_handle_goes_on_in_the_emptied_log(tmp_path):
    log = tmp_path / "gpu.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"0123456789\n" * 10)

        rotate_large_logs(tmp_path, largest=100)
        writer.write(b"after\n")

    assert log.read_bytes() == b"after\n"


def test_the_newest_whole_lines_are_kept(tmp_path):
    log = tmp_path / "gpu.log"
    write(log, range(100))

    rotate_large_logs(tmp_path, largest=25)

    assert (tmp_path / "gpu.log.1").read_text() == "line 0098\nline 0099\n"


def test_only_so_many_older_logs_are_kept(tmp_path):
    log = tmp_path / "gpu.log"

    for number in range(5):
        write(log, range(10 * number, 10 * number + 10))
        rotate_large_logs(tmp_path, largest=50)

    assert sorted(file.name for file in tmp_path.iterdir()) == ["gpu.log", "gpu.log.1", "gpu.log.2"]
    assert KEPT_LOGS == 2
    assert (tmp_path / "gpu.log.1").read_text().endswith("line 0049\n")
    assert (tmp_path / "gpu.log.2").read_text().endswith("line 0039\n")


def test_a_small_log_is_left_alone(tmp_path):
    log = tmp_path / "gpu.log"
    write(log, range(3))

    rotate_large_logs(tmp_path, largest=30)

    assert [file.name for file in tmp_path.iterdir()] == ["gpu.log"]
    assert log.stat().st_size == 30


def test_a_log_that_cannot_be_copied_is_kept_and_the_next_one_is_rotated(tmp_path):
    for name in ("first", "second"):
        write(tmp_path / f"{name}.log", range(10))
    (tmp_path / "first.log.new").mkdir()  # nothing can be copied there

    rotate_large_logs(tmp_path, largest=50)

    assert (tmp_path / "first.log").stat().st_size == 100
    assert (tmp_path / "second.log").stat().st_size == 0
