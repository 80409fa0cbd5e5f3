"""The Postman collection is made from the API's description as it is now, and newman runs it from first to last."""

import re
import subprocess
from pathlib import Path

from commercecore_payments.management.commands import write_postman_collection as written
from commercecore_payments.openapi.described import all_operations
from commercecore_payments.openapi.postman.collection import collection, environment
from commercecore_payments.openapi.postman.steps import FOLDERS
from commercecore_payments.tests.node_packages import NODE, installed_packages
from commercecore_payments.tests.tenants import Tenant

NEWMAN = Path(__file__).parent / "newman"
# Seconds. Some forty requests.
RUN_TIMEOUT_S = 120


class TestTheCollection:
    def test_is_current(self) -> None:
        assert written.COLLECTION.read_text() == written.as_text(collection()), "manage.py write_postman_collection"
        assert written.ENVIRONMENT.read_text() == written.as_text(environment()), "manage.py write_postman_collection"

    def test_asks_for_every_operation(self) -> None:
        asked = {step.operation for folder in FOLDERS for step in folder.steps if step.operation}
        assert asked == set(all_operations())

    def test_is_run_by_newman_and_nothing_fails(self, base: str, tenant: Tenant, tmp_path: Path) -> None:
        newman = installed_packages(NEWMAN, tmp_path) / "node_modules" / "newman" / "bin" / "newman.js"
        values = {
            "base_url": base,
            "webhook_url": f"{base}/api/v1/status",
            "developer_token": tenant.token,
            "app_id": tenant.app.pk,
        }
        command = [str(NODE), str(newman), "run", str(written.COLLECTION), "-e", str(written.ENVIRONMENT), "--color", "off"]
        command += [word for name, value in values.items() for word in ("--env-var", f"{name}={value}")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=RUN_TIMEOUT_S)
        assert done.returncode == 0, done.stdout + done.stderr
        executed = re.search(r"requests │ +(\d+) │ +0 │", done.stdout)
        assert executed is not None
        assert int(executed[1]) == sum(len(folder.steps) for folder in FOLDERS)
