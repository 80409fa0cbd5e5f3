"""What holds for every page of the documentation: its links lead somewhere, and no line for a shell stands unexecuted."""

from collections.abc import Mapping

import pytest

from commercecore_payments.tests import documents
from commercecore_payments.tests.documents import EXECUTED, NOT_EXECUTED, blocks, text_of
from commercecore_payments.tests.service import PROJECT_DIR

# The `sh` blocks, which no test executes: the page, how the block begins, and why not.
NOT_EXECUTED_BECAUSE: Mapping[tuple[str, str], str] = {
    ("README.md", "make run "): "the tests start the service themselves, and are run by the other command",
    ("docs/getting-started.md", "make run"): "the tests start the service themselves",
    ("docs/going-live.md", "docker compose up"): "needs Docker, PostgreSQL and keys, and two of the commands serve for ever",
    ("docs/operations.md", ".venv/bin/python docs/pictures/make.py"): "makes pictures in a browser, for minutes",
    ("docs/reliability.md", "make prove"): "takes minutes to hours; CI runs the quick form",
    ("docs/sandbox.md", "STRIPE_SECRET_KEY="): "needs a key and the network",
}


@pytest.mark.parametrize("page", documents.pages())
class TestAPage:
    def test_has_no_line_for_a_shell_outside_of_an_executed_block(self, page: str) -> None:
        assert documents.shell_lines_outside(text_of(page)) == []

    def test_says_why_a_block_is_not_executed(self, page: str) -> None:
        unexecuted = [block.text for block in blocks(text_of(page)) if block.language == NOT_EXECUTED]
        known = [start for where, start in NOT_EXECUTED_BECAUSE if where == page]
        assert [start for start in known if not any(text.startswith(start) for text in unexecuted)] == []
        assert [text for text in unexecuted if not text.startswith(tuple(known))] == []

    def test_has_links_that_lead_somewhere(self, page: str) -> None:
        assert documents.broken_links(page) == []


class TestADecision:
    def test_stands_in_the_list_of_all(self) -> None:
        written = {path.name for path in (PROJECT_DIR / "docs" / "decisions").glob("*.md")} - {"README.md"}
        listed = text_of("docs/decisions/README.md")
        assert sorted(name for name in written if f"]({name})" not in listed) == []


class TestAShellsLine:
    @pytest.mark.parametrize(
        "line", ["make run", "$ curl http://a", "PORT=1 .venv/bin/python manage.py serve", "docker compose up"]
    )
    def test_is_found_indented_and_in_other_blocks(self, line: str) -> None:
        text = f"Text\n\n    {line}\n\n```console\n{line}\n```\n\n```{EXECUTED}\n{line}\n```\n\n```{NOT_EXECUTED}\n{line}\n```\n"
        assert documents.shell_lines_outside(text) == [line, line]


class TestALink:
    def test_leads_to_a_file_and_a_heading_of_it(self) -> None:
        anchors = documents.anchors("# What `X-User-ID` means\n\n```bash\n# no heading\n```\n\n## When it lapses, and why\n")
        assert anchors == {"what-x-user-id-means", "when-it-lapses-and-why"}
