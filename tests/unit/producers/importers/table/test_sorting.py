from hypothesis import given
from hypothesis import strategies as st

from producers.importers.table.sorting import Sorted

LENGTH = 12


@given(
    numbers=st.lists(st.integers(0, 2**90), max_size=300),
    run_records=st.sampled_from([1, 2, 7, 100, 1000]),
)
def test_records_come_out_in_order_however_many_fit_into_memory(
    numbers: list[int], run_records: int
) -> None:
    records = [number.to_bytes(LENGTH) for number in numbers]
    with Sorted(LENGTH, run_records) as collected:
        for record in records:
            collected.add(record)
        assert collected.count == len(records)
        assert list(collected) == sorted(records)
        assert list(collected) == sorted(records)
