from carillon.cli import imports_work
from carillon.imports.models import ImportRun


def test_an_import_that_followed_records_says_how_many() -> None:
    run = ImportRun(object="Lead", status="succeeded", created=1, left_source=1, merged=2, converted=3)

    said = imports_work.sentence(run)

    assert "1 left the list, 2 merged, 3 converted, 0 opted out" in said
