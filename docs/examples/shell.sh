# What the examples of the pages share. In the folder of the repository, beside a running `make run`:
#
#     . docs/examples/shell.sh
#
# Needs bash, curl and python3. The demo tenant comes along, unless the shell knows a tenant already.

SERVICE=http://127.0.0.1:${PORT:-8000}
API=$SERVICE/api/v1
[ -n "${DEVELOPER_TOKEN:-}" ] || eval "$(.venv/bin/python manage.py create_demo_tenant)"

# Calls the API as the demo app for the demo user: call PATH [OPTIONS OF CURL]
call() {
  curl -sS "$API$1" -H "X-Developer-Token: $DEVELOPER_TOKEN" -H "X-App-ID: $APP_ID" -H "X-User-ID: $USER_ID" \
    -H "Content-Type: application/json" -w '\n' "${@:2}"
}

# The same, and prints the status and the error code alone, of a call that is refused.
refused() { call "$@" | python3 -c 'import json, sys; a = json.load(sys.stdin); print(a["meta"]["status_code"], a["details"]["code"])'; }

# One field of an answer's data, such as: call … | field transaction_id, or of something in it: field next_action.redirect_to_url.url
# Where there is no data it fails, and prints what was answered instead.
field() {
  python3 -c '
import json, sys
from functools import reduce
text = sys.stdin.read().strip()
try:
    data = json.loads(text)["data"]
except (ValueError, KeyError):
    sys.exit(text or f"Nothing answers at {sys.argv[2]}. Is make run on another PORT? Then export it here too, and read this file again.")
value = reduce(lambda inside, name: inside[name], sys.argv[1].split("."), data)
print(value if isinstance(value, str) else json.dumps(value))' "$1" "$SERVICE"
}

# What only the sandbox has: its own control API, where the bank, the buyer and the clock are played.
sandbox() { curl -sS "$SERVICE/sandbox/api$1" -u sk_test_anything: -w '\n' "${@:2}"; }

# A text that no earlier run of an example has used, as for an order: fresh order
fresh() { echo "$1-$(date +%s)-$RANDOM"; }

# The sequence of the app's latest event; and as many events as are expected behind one, a line each: events_after SEQUENCE NUMBER
latest_event() { call "/events?limit=1" | python3 -c 'import json, sys; print(json.load(sys.stdin)["meta"]["latest_sequence"])'; }
events_after() {
  local deadline=$((SECONDS + 20)) lines
  while lines=$(call "/events?after=$1" | python3 -c '
import json, sys
for event in json.load(sys.stdin)["data"]["events"]:
    print(event["type"], event["data"].get("status", ""))')
    [ "$(grep -c . <<< "$lines")" -lt "$2" ] && [ $SECONDS -lt $deadline ]; do sleep 0.2; done
  echo "$lines"
}
